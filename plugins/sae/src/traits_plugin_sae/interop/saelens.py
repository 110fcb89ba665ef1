"""SAELens: `cfg.json` and `sae_weights.safetensors`, of training and inference, versions 3 to 6."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from traits_core import ConfigError, StoreError, load_tensors
from traits_plugin_sae.activations import Activation, Gated, JumpRelu, Relu, TopK
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.checkpoint import (
    Checkpoint,
    Facts,
    Weights,
    natural,
    read_json,
    rectified,
    save_weights,
    table,
    write_json,
)
from traits_plugin_sae.interop.folding import with_unit_rows
from traits_plugin_sae.interop.saelens_folding import without_input_scale
from traits_plugin_sae.row_norms import RowNorm

CONFIG: Final = "cfg.json"
WEIGHTS: Final = "sae_weights.safetensors"
PLACES: Final = (WEIGHTS,)
BATCH_TOPK: Final = ("batchtopk", "matryoshka_batchtopk")
ARCHITECTURES: Final = ("standard", "topk", "jumprelu", "gated", *BATCH_TOPK)
LAYOUT: Final = "6.0.0"
"""The version of SAELens since which `cfg.json` is as it is written here."""


def recognizes(path: Path) -> bool:
    """Whether the weights of SAELens are there."""
    return path.name == WEIGHTS or (path / WEIGHTS).is_file()


def read(path: Path) -> Checkpoint:
    """Read a directory; what training keeps apart is folded into the weights."""
    root = path.parent if path.name == WEIGHTS else path
    config = read_json(root / CONFIG)
    architecture, k = _architecture(config)
    if architecture not in ARCHITECTURES:
        raise StoreError(
            f"{root}: architecture {architecture!r} is not read; these are: {', '.join(ARCHITECTURES)}"
        )
    weights = Weights(root / WEIGHTS, load_tensors(root / WEIGHTS)[0])
    _refuse_scaling(weights)
    gated = architecture == "gated"
    dictionary = Dictionary(
        encoder_ds=weights.take("W_enc"),
        encoder_bias_s=torch.zeros_like(weights.take("b_gate")) if gated else weights.take("b_enc"),
        decoder_sd=weights.take("W_dec"),
        decoder_bias_d=weights.take("b_dec"),
        activation=_activation(architecture, k, weights),
        subtracts_bias=bool(config.get("apply_b_dec_to_input", True)),
        row_norm=_row_norm(config),
    )
    if config.get("rescale_acts_by_decoder_norm"):
        dictionary = with_unit_rows(dictionary)
    dictionary, notes = without_input_scale(dictionary, root, config)
    return Checkpoint(dictionary, config, notes)


def _architecture(config: Mapping[str, Any]) -> tuple[str, int | None]:
    """The architecture, and k; before version 6 a top-k was a standard one with another activation."""
    architecture, k = config.get("architecture") or "standard", config.get("k")
    function = config.get("activation_fn", config.get("activation_fn_str", "relu"))
    if function == "topk":
        return "topk", table(config, "activation_fn_kwargs").get("k", k)
    if function != "relu":
        raise ValueError(f"activation function {function!r}; only relu and topk are read")
    return architecture, k


def _activation(architecture: str, k: int | None, weights: Weights) -> Activation:
    match architecture:
        case "topk":
            return TopK(natural(k, "k"))
        case "gated":
            return Gated(
                gate_bias_s=weights.take("b_gate"),
                magnitude_bias_s=weights.take("b_mag"),
                log_magnitude_s=weights.take("r_mag"),
            )
        case "jumprelu" if "log_threshold" in weights:
            return JumpRelu(weights.take("log_threshold").exp())
        case "jumprelu":
            return JumpRelu(weights.take("threshold"))
        case "standard":
            return Relu()
    threshold = weights.number("topk_threshold")
    return JumpRelu(torch.full_like(weights.take("b_enc"), threshold))


def _refuse_scaling(weights: Weights) -> None:
    """Refuse what versions before 6 multiplied latents by, unless it changes nothing."""
    for name in ("scaling_factor", "finetuning_scaling_factor"):
        if name in weights and not (weights.take(name) == 1).all():
            raise StoreError(
                f"{weights.path}: {name} is not 1, which SAELens itself refuses since 6.0"
            )


def _row_norm(config: Mapping[str, Any]) -> RowNorm:
    """What happens to each row at run time; statistics of the whole data are folded instead."""
    kind = config.get("normalize_activations")
    return RowNorm(kind) if kind in tuple(RowNorm) else RowNorm.NONE


def write(directory: Path, dictionary: Dictionary, facts: Facts) -> tuple[str, ...]:
    """Write an inference checkpoint; `facts` go to its metadata."""
    if dictionary.skip_dd is not None:
        raise ConfigError("saelens: a sparse autoencoder with a skip connection has no place there")
    tensors, special, notes = _parts(dictionary)
    weights = {"W_enc": dictionary.encoder_ds, "W_dec": dictionary.decoder_sd}
    save_weights(directory / WEIGHTS, {**weights, "b_dec": dictionary.decoder_bias_d, **tensors})
    feature = facts.get("feature") or {}
    config = {
        "d_in": dictionary.d_model,
        "d_sae": dictionary.n_latents,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": dictionary.subtracts_bias,
        "normalize_activations": dictionary.row_norm.value,
        "reshape_activations": "none",
        **special,
        "metadata": {
            "sae_lens_version": LAYOUT,
            "model_name": feature.get("backbone"),
            "hook_name": feature.get("layer"),
            "traits": dict(facts),
        },
    }
    write_json(directory / CONFIG, config)
    return notes


def _parts(dictionary: Dictionary) -> tuple[dict[str, Tensor], dict[str, Any], tuple[str, ...]]:
    """The tensors and settings of the architecture, and notes."""
    bias_s, activation = dictionary.encoder_bias_s, dictionary.activation
    match activation:
        case Relu():
            return {"b_enc": bias_s}, {"architecture": "standard"}, ()
        case TopK():
            special = {
                "architecture": "topk",
                "k": activation.k,
                "rescale_acts_by_decoder_norm": False,
            }
            return {"b_enc": bias_s}, special, rectified(activation, "SAELens")
        case JumpRelu():
            tensors = {"b_enc": bias_s, "threshold": activation.threshold_s}
            return tensors, {"architecture": "jumprelu"}, ()
        case Gated():
            gates = activation.shifted(bias_s)
            tensors = {
                "b_gate": gates.gate_bias_s,
                "b_mag": gates.magnitude_bias_s,
                "r_mag": gates.log_magnitude_s,
            }
            return tensors, {"architecture": "gated"}, ()
    raise ConfigError(
        f"saelens: a {activation.name} autoencoder has no place there; "
        "relu, topk, jumprelu and gated ones do"
    )
