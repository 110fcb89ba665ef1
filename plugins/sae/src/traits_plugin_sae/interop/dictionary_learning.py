"""dictionary_learning: `ae.pt`, a zip of tensors, and `config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from traits_core import ConfigError, StoreError
from traits_plugin_sae.activations import Activation, Gated, JumpRelu, Relu, TopK
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.checkpoint import (
    Checkpoint,
    Facts,
    Weights,
    natural,
    read_json,
    rectified,
    table,
    write_json,
)
from traits_plugin_sae.interop.folding import with_unit_rows
from traits_plugin_sae.interop.torch_zip import read_torch_zip

CONFIG: Final = "config.json"
WEIGHTS: Final = "ae.pt"
PLACES: Final = (WEIGHTS,)
BATCH_TOPK: Final = ("BatchTopKSAE", "MatryoshkaBatchTopKSAE")
UNTRACKED: Final = (
    "its threshold was never tracked (training stopped too early): as in dictionary_learning itself, "
    "every positive latent is kept"
)


def recognizes(path: Path) -> bool:
    """Whether there is an `ae.pt`."""
    return path.name == WEIGHTS or (path / WEIGHTS).is_file()


def read(path: Path) -> Checkpoint:
    """Read a trainer's directory. Latents are those of the library's `from_pretrained` and `encode`."""
    root = path.parent if path.name == WEIGHTS else path
    config = read_json(root / CONFIG) if (root / CONFIG).is_file() else {}
    weights = Weights(root / WEIGHTS, read_torch_zip(root / WEIGHTS))
    kind = _kind(weights, config)
    activation, notes = _activation(kind, weights, config)
    columns = "W_enc" not in weights
    encoder_ds = weights.transposed("encoder.weight") if columns else weights.take("W_enc")
    bias = "gate_bias" if kind == "GatedAutoEncoder" else "encoder.bias" if columns else "b_enc"
    bias_s = weights.take(bias)
    dictionary = Dictionary(
        encoder_ds=encoder_ds,
        encoder_bias_s=torch.zeros_like(bias_s) if bias == "gate_bias" else bias_s,
        decoder_sd=weights.transposed("decoder.weight") if columns else weights.take("W_dec"),
        decoder_bias_d=weights.take("b_dec", "bias", "decoder_bias", "decoder.bias"),
        activation=activation,
        subtracts_bias=kind not in ("JumpReluAutoEncoder", "AutoEncoderNew"),
    )
    if kind == "AutoEncoder" and not _has_unit_rows(dictionary):
        dictionary = with_unit_rows(dictionary)
    return Checkpoint(dictionary, config, notes)


def _kind(weights: Weights, config: Mapping[str, Any]) -> str:
    """The class that the file is of, by its config or its tensors."""
    if named := table(config, "trainer").get("dict_class"):
        return str(named)
    if "gate_bias" in weights:
        return "GatedAutoEncoder"
    if "W_enc" in weights:
        return "MatryoshkaBatchTopKSAE" if "group_sizes" in weights else "JumpReluAutoEncoder"
    if "k" in weights:
        raise StoreError(
            f"{weights.path}: without {CONFIG} beside it a top-k autoencoder cannot be told from a "
            'batch-top-k one: write {"trainer": {"dict_class": "AutoEncoderTopK"}} or "BatchTopKSAE" '
            "there"
        )
    return "AutoEncoderNew" if "decoder.bias" in weights else "AutoEncoder"


def _activation(
    kind: str, weights: Weights, config: Mapping[str, Any]
) -> tuple[Activation, tuple[str, ...]]:
    match kind:
        case "AutoEncoder" | "AutoEncoderNew":
            return Relu(), ()
        case "GatedAutoEncoder":
            return Gated(
                gate_bias_s=weights.take("gate_bias"),
                magnitude_bias_s=weights.take("mag_bias"),
                log_magnitude_s=weights.take("r_mag"),
            ), ()
        case "JumpReluAutoEncoder":
            return JumpRelu(weights.take("threshold")), ()
        case "AutoEncoderTopK":
            k = weights.number("k") if "k" in weights else table(config, "trainer").get("k")
            return TopK(natural(k, "k")), ()
        case "BatchTopKSAE" | "MatryoshkaBatchTopKSAE":
            threshold = weights.number("threshold") if "threshold" in weights else -1.0
            if threshold < 0:
                return Relu(), (UNTRACKED,)
            bias_s = weights.take("encoder.bias", "b_enc")
            return JumpRelu(torch.full_like(bias_s, threshold)), ()
    raise StoreError(f"{weights.path}: dict_class {kind!r} is not read")


def write(directory: Path, dictionary: Dictionary, facts: Facts) -> tuple[str, ...]:
    """Write a trainer's directory of the class that suits; `facts` go to its config.

    A ReLU autoencoder whose decoder's rows have other norms than 1 is written as an `AutoEncoderNew`:
    of an `AutoEncoder` the library would scale the latents.
    """
    if dictionary.skip_dd is not None or dictionary.row_norm.value != "none":
        raise ConfigError(
            "dictionary-learning: a sparse autoencoder with a skip connection, or that normalises "
            "each activation, has no place there"
        )
    kind, tensors, notes = _parts(dictionary)
    torch.save(
        {name: tensor.cpu().clone() for name, tensor in tensors.items()}, directory / WEIGHTS
    )
    trainer: dict[str, Any] = {
        "dict_class": kind,
        "activation_dim": dictionary.d_model,
        "dict_size": dictionary.n_latents,
    }
    if isinstance(dictionary.activation, TopK):
        trainer["k"] = dictionary.activation.k
    write_json(directory / CONFIG, {"trainer": trainer, "traits": dict(facts)})
    return notes


def _parts(dictionary: Dictionary) -> tuple[str, dict[str, Tensor], tuple[str, ...]]:
    """The class, its tensors, and notes."""
    activation = dictionary.activation
    match activation:
        case Relu() if _has_unit_rows(dictionary):
            return "AutoEncoder", _linear(dictionary.subtracting(True), "bias"), ()
        case Relu():
            return "AutoEncoderNew", _linear(dictionary.subtracting(False), "decoder.bias"), ()
        case TopK():
            tensors = _linear(dictionary.subtracting(True), "b_dec") | {
                "k": torch.tensor(activation.k, dtype=torch.int32),
                "threshold": torch.tensor(-1.0),
            }
            return "AutoEncoderTopK", tensors, rectified(activation, "dictionary_learning")
        case JumpRelu():
            plain = dictionary.subtracting(False)
            return (
                "JumpReluAutoEncoder",
                {
                    "W_enc": plain.encoder_ds,
                    "b_enc": plain.encoder_bias_s,
                    "W_dec": plain.decoder_sd,
                    "b_dec": plain.decoder_bias_d,
                    "threshold": activation.threshold_s,
                },
                (),
            )
        case Gated():
            tensors = _linear(dictionary.subtracting(True), "decoder_bias")
            gates = activation.shifted(tensors.pop("encoder.bias"))
            return (
                "GatedAutoEncoder",
                tensors
                | {
                    "gate_bias": gates.gate_bias_s,
                    "mag_bias": gates.magnitude_bias_s,
                    "r_mag": gates.log_magnitude_s,
                },
                (),
            )
    raise ConfigError(
        f"dictionary-learning: a {activation.name} autoencoder has no place there; "
        "relu, topk, jumprelu and gated ones do"
    )


def _has_unit_rows(dictionary: Dictionary) -> bool:
    norm_s = dictionary.decoder_sd.norm(dim=1)
    return torch.allclose(norm_s, torch.ones_like(norm_s))  # the library's own question


def _linear(dictionary: Dictionary, bias: str) -> dict[str, Tensor]:
    """The tensors of two `torch.nn.Linear`; the decoder's bias has another name in every class."""
    return {
        bias: dictionary.decoder_bias_d,
        "encoder.weight": dictionary.encoder_ds.T.contiguous(),
        "encoder.bias": dictionary.encoder_bias_s,
        "decoder.weight": dictionary.decoder_sd.T.contiguous(),
    }
