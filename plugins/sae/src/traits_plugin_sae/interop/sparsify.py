"""sparsify: `cfg.json` and `sae.safetensors` of one hook point."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from traits_core import ConfigError, StoreError, load_tensors
from traits_plugin_sae.activations import Activation, GroupMax, TopK
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.checkpoint import (
    Checkpoint,
    Facts,
    Weights,
    natural,
    read_json,
    rectified,
    save_weights,
    write_json,
)

CONFIG: Final = "cfg.json"
WEIGHTS: Final = "sae.safetensors"
PLACES: Final = (WEIGHTS,)


def recognizes(path: Path) -> bool:
    """Whether the weights of sparsify are there."""
    return path.name == WEIGHTS or (path / WEIGHTS).is_file()


def read(path: Path) -> Checkpoint:
    """Read the directory of a hook point."""
    root = path.parent if path.name == WEIGHTS else path
    config = read_json(root / CONFIG)
    weights = Weights(root / WEIGHTS, load_tensors(root / WEIGHTS)[0])
    dictionary = Dictionary(
        encoder_ds=weights.transposed("encoder.weight"),
        encoder_bias_s=weights.take("encoder.bias"),
        decoder_sd=weights.take("W_dec"),
        decoder_bias_d=weights.take("b_dec"),
        activation=_activation(config),
        subtracts_bias=not config.get("transcode", False),
        skip_dd=weights.transposed("W_skip") if "W_skip" in weights else None,
    )
    factor = natural(config.get("expansion_factor", 32), "expansion_factor")
    declared = natural(config.get("num_latents") or dictionary.d_model * factor, "num_latents")
    if declared != dictionary.n_latents:
        raise StoreError(
            f"{root}: {CONFIG} says {declared} latents, {WEIGHTS} holds {dictionary.n_latents}"
        )
    notes = ("it is a transcoder: what it makes is not its input again",)
    return Checkpoint(dictionary, config, notes if config.get("transcode") else ())


def _activation(config: Mapping[str, Any]) -> Activation:
    k, kind = natural(config.get("k", 32), "k"), config.get("activation", "topk")
    if kind == "topk":
        return TopK(k)
    if kind == "groupmax":
        return GroupMax(k)
    raise ValueError(f"activation {kind!r}; only topk and groupmax are read")


def write(directory: Path, dictionary: Dictionary, facts: Facts) -> tuple[str, ...]:
    """Write the directory of a hook point; `facts` go to its config."""
    activation = dictionary.activation
    if not isinstance(activation, TopK | GroupMax) or dictionary.row_norm.value != "none":
        raise ConfigError(
            f"sparsify: a {activation.name} autoencoder (row norm: {dictionary.row_norm.value}) has "
            "no place there; topk and groupmax ones that do not normalise each activation do"
        )
    tensors = {
        "encoder.weight": dictionary.encoder_ds.T,
        "encoder.bias": dictionary.encoder_bias_s,
        "W_dec": dictionary.decoder_sd,
        "b_dec": dictionary.decoder_bias_d,
    }
    if dictionary.skip_dd is not None:
        tensors["W_skip"] = dictionary.skip_dd.T
    save_weights(directory / WEIGHTS, tensors)
    config = {
        "activation": activation.name,
        "expansion_factor": max(dictionary.n_latents // dictionary.d_model, 1),
        "normalize_decoder": True,
        "num_latents": dictionary.n_latents,
        "k": activation.k,
        "multi_topk": False,
        "skip_connection": dictionary.skip_dd is not None,
        "transcode": not dictionary.subtracts_bias,
        "d_in": dictionary.d_model,
        "traits": dict(facts),
    }
    write_json(directory / CONFIG, config)
    return rectified(activation, "sparsify") if isinstance(activation, TopK) else ()
