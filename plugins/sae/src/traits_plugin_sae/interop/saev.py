"""saev: `sae.pt`, a line of JSON followed by a zip of tensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import torch

from traits_core import ConfigError, StoreError
from traits_plugin_sae.activations import Activation, JumpRelu, Relu, TopK
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.checkpoint import Checkpoint, Facts, Weights
from traits_plugin_sae.interop.saev_header import SaevHeader, make_header, parse_header
from traits_plugin_sae.interop.torch_zip import read_torch_zip

WEIGHTS: Final = "sae.pt"
PLACES: Final = (WEIGHTS, f"checkpoint/{WEIGHTS}")
MAX_HEADER: Final = 1 << 20


def recognizes(path: Path) -> bool:
    """Whether it is a run or a checkpoint of saev, or a `.pt` that begins with its line of JSON."""
    if path.is_dir():
        return any((path / place).is_file() for place in PLACES)
    if path.suffix != ".pt":
        return False
    with path.open("rb") as file:
        return file.read(1) == b"{"


def read(path: Path) -> Checkpoint:
    """Read a run, its checkpoint directory, or a file of weights."""
    if path.is_dir():
        path = next(path / place for place in PLACES if (path / place).is_file())
    with path.open("rb") as file:
        line = file.readline(MAX_HEADER)
    raw = json.loads(line)
    if not isinstance(raw, dict):
        raise StoreError(f"{path}: its first line must be a JSON object")
    header = parse_header(raw)
    weights = Weights(path, read_torch_zip(path))
    activation, notes = _activation(header, weights)
    dictionary = Dictionary(
        encoder_ds=weights.take("W_enc"),
        encoder_bias_s=weights.take("b_enc"),
        decoder_sd=weights.take("W_dec"),
        decoder_bias_d=weights.take("b_dec"),
        activation=activation,
        subtracts_bias=False,
    )
    return Checkpoint(dictionary, raw, notes)


def _activation(header: SaevHeader, weights: Weights) -> tuple[Activation, tuple[str, ...]]:
    """What saev applies in evaluation mode."""
    if header.k is None:
        return Relu(), ()
    n_latents = len(weights.take("b_enc"))
    if header.kind == "TopK":
        return TopK(min(header.k, n_latents), signed=True), ()
    threshold = weights.number("activation.threshold")
    note = f"its threshold {threshold:g} is used, as saev does outside training"
    if threshold <= 0:
        return Relu(), (note,)
    return JumpRelu(torch.full((n_latents,), threshold)), (note,)


def write(directory: Path, dictionary: Dictionary, facts: Facts) -> tuple[str, ...]:
    """Write `sae.pt`; `facts` go to the free text of its header."""
    kind, k, threshold, notes = _kind(dictionary)
    plain = dictionary.subtracting(False)
    if dictionary.skip_dd is not None or dictionary.row_norm.value != "none":
        raise ConfigError(
            "saev: a sparse autoencoder with a skip connection, or that normalises each activation, "
            "has no place there"
        )
    tensors = {
        "W_dec": plain.decoder_sd,
        "b_dec": plain.decoder_bias_d,
        "W_enc": plain.encoder_ds,
        "b_enc": plain.encoder_bias_s,
        **threshold,
    }
    norm_s = plain.decoder_sd.norm(dim=1)
    unit_rows = torch.allclose(norm_s, torch.ones_like(norm_s))
    header: dict[str, Any] = make_header(kind, k, plain.d_model, plain.n_latents, unit_rows)
    header |= {"commit": "unknown", "lib": "traits", "traits": dict(facts)}
    with (directory / WEIGHTS).open("wb") as file:
        file.write(json.dumps(header).encode() + b"\n")
        torch.save(
            {name: tensor.cpu().contiguous().clone() for name, tensor in tensors.items()}, file
        )
    return notes


def _kind(
    dictionary: Dictionary,
) -> tuple[str, int | None, dict[str, torch.Tensor], tuple[str, ...]]:
    """The name of the activation, its k, the tensor it brings, and notes."""
    activation = dictionary.activation
    match activation:
        case Relu():
            return "Relu", None, {}, ()
        case TopK() if activation.signed:
            return "TopK", activation.k, {}, ()
        case TopK():
            k = activation.k
            note = f"saev keeps negative latents: rows with fewer than {k} positive ones differ"
            return "TopK", k, {}, (note,)
        case JumpRelu() if _is_one_threshold(activation.threshold_s):
            threshold = activation.threshold_s[0].clone()
            return "BatchTopK", 1, {"activation.threshold": threshold}, ()
    raise ConfigError(
        f"saev: a {activation.name} autoencoder has no place there; relu and topk ones do, and "
        "jumprelu ones whose latents share one threshold from 0 on"
    )


def _is_one_threshold(threshold_s: torch.Tensor) -> bool:
    first = threshold_s[0]
    return bool((threshold_s == first).all() and first >= 0)
