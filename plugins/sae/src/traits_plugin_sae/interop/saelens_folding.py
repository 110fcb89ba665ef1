"""What SAELens keeps beside the weights while it trains, folded into them: scales, norms, whitening."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from traits_core import load_tensors
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.checkpoint import Weights, read_json
from traits_plugin_sae.interop.folding import of_raw_rows
from traits_plugin_sae.row_norms import RowNorm

SCALER: Final = "activation_scaler.json"
WHITENING: Final = "activation_whitening.safetensors"
UNSCALED: Final = (
    "it expects activations whose mean norm is sqrt(d_model), and does not say what to multiply them "
    "by; they are taken as they are"
)


def without_input_scale(
    dictionary: Dictionary, root: Path, config: Mapping[str, Any]
) -> tuple[Dictionary, tuple[str, ...]]:
    """Fold in what a training run does to activations before its weights see them."""
    kind = config.get("normalize_activations")
    if kind in (None, False, *RowNorm):
        return dictionary, ()
    if kind == "covariance_whitening":
        tensors = Weights(root / WHITENING, load_tensors(root / WHITENING)[0])
        folded = of_raw_rows(
            dictionary,
            tensors.take("mean"),
            tensors.take("matrix"),
            tensors.take("inverse_matrix"),
        )
        return folded, ("its whitening was folded into the weights",)
    if kind not in (True, "expected_average_only_in"):
        raise ValueError(f"normalize_activations {kind!r} is not read")
    scaler = read_json(root / SCALER) if (root / SCALER).is_file() else {}
    factor = scaler.get("scaling_factor")
    if factor is None:
        return dictionary, (UNSCALED,)
    scale = float(factor)
    return (
        attrs.evolve(
            dictionary,
            encoder_ds=dictionary.encoder_ds * scale,
            decoder_sd=dictionary.decoder_sd / scale,
            decoder_bias_d=dictionary.decoder_bias_d / scale,
        ),
        (f"its input scale {scale:g} was folded into the weights",),
    )
