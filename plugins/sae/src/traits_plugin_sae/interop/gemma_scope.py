"""Gemma Scope: `params.npz`, and `params.safetensors` of Gemma Scope 2. There is no config but the path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import torch
from torch import Tensor

from traits_core import ConfigError, StoreError, load_tensors, open_npz
from traits_plugin_sae.activations import JumpRelu, Relu
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.checkpoint import Checkpoint, Facts, Weights, read_json

NPZ: Final = "params.npz"
SAFETENSORS: Final = "params.safetensors"
PLACES: Final = (NPZ, SAFETENSORS)
CONFIG: Final = "config.json"
SKIP: Final = "affine_skip_connection"
IN_PATH: Final = re.compile(r"layer_\d+\w*|width_\w+|average_l0_\d+|embedding")


def recognizes(path: Path) -> bool:
    """Whether the parameters of Gemma Scope are there."""
    return path.name in PLACES or any((path / place).is_file() for place in PLACES)


def read(path: Path) -> Checkpoint:
    """Read a directory or its parameters. An SAE below `embedding/` is of embeddings times sqrt(d_model)."""
    root = path.parent if path.name in PLACES else path
    weights = _weights(root, path)
    if "scaling_factor" in weights and not (weights.take("scaling_factor") == 1).all():
        raise StoreError(f"{weights.path}: scaling_factor is not 1, which is not read")
    dictionary = Dictionary(
        encoder_ds=weights.take("W_enc", "w_enc"),
        encoder_bias_s=weights.take("b_enc"),
        decoder_sd=weights.take("W_dec", "w_dec"),
        decoder_bias_d=weights.take("b_dec"),
        activation=JumpRelu(weights.take("threshold")),
        subtracts_bias=False,
        skip_dd=weights.take(SKIP) if SKIP in weights else None,
    )
    source: dict[str, Any] = read_json(root / CONFIG) if (root / CONFIG).is_file() else {}
    parts = [part for part in root.absolute().parts if IN_PATH.fullmatch(part)]
    if parts:
        source["path"] = "/".join(parts)
    if "embedding" not in parts:
        return Checkpoint(dictionary, source)
    note = "its weights were scaled by sqrt(d_model), as those of embeddings must be"
    return Checkpoint(_of_embeddings(dictionary), source, (note,))


def _weights(root: Path, path: Path) -> Weights:
    """The parameters; where both files are, the one that was named, or the .npz."""
    if path.name == SAFETENSORS or not (root / NPZ).is_file():
        return Weights(root / SAFETENSORS, load_tensors(root / SAFETENSORS)[0])
    return Weights(root / NPZ, _arrays(root / NPZ))


def _arrays(path: Path) -> Mapping[str, Tensor]:
    """The arrays of numbers in an .npz, each of which must be as large as it claims."""
    tensors = {}
    with open_npz(path) as file, np.errstate(over="ignore"):  # `Weights.take` refuses infinity
        for name in file.names():
            member = file.member(name)
            if member is not None and member.header.dtype.kind == "f":
                member.refuse_bomb(path)
                tensors[name] = torch.from_numpy(np.ascontiguousarray(file.load(member), "<f4"))
    return tensors


def _of_embeddings(dictionary: Dictionary) -> Dictionary:
    scale = dictionary.d_model**0.5
    return attrs.evolve(
        dictionary,
        encoder_ds=dictionary.encoder_ds / scale,
        decoder_sd=dictionary.decoder_sd * scale,
    )


def write(directory: Path, dictionary: Dictionary, facts: Facts) -> tuple[str, ...]:
    """Write `params.npz`; the format has no place for `facts`."""
    activation, plain = dictionary.activation, dictionary.subtracting(False)
    if (
        not isinstance(activation, JumpRelu | Relu)
        or dictionary.skip_dd is not None
        or dictionary.row_norm.value != "none"
    ):
        raise ConfigError(
            f"gemma-scope: a {activation.name} autoencoder (row norm: {dictionary.row_norm.value}, "
            f"skip: {dictionary.skip_dd is not None}) has no place there; relu and jumprelu ones "
            "without these do"
        )
    threshold_s = (
        activation.threshold_s
        if isinstance(activation, JumpRelu)
        else torch.zeros_like(plain.encoder_bias_s)
    )
    tensors = {
        "W_enc": plain.encoder_ds,
        "W_dec": plain.decoder_sd,
        "b_enc": plain.encoder_bias_s,
        "b_dec": plain.decoder_bias_d,
        "threshold": threshold_s,
    }
    arrays = {name: np.ascontiguousarray(tensor.cpu().numpy()) for name, tensor in tensors.items()}
    np.savez(directory / NPZ, **arrays)  # type: ignore[arg-type]  # none is named allow_pickle
    return ()
