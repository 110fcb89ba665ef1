"""Gated: one function decides which latents are active, another how much. arXiv 2404.16014.

Rajamanoharan et al. 2024, Improving dictionary learning with gated sparse autoencoders.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
from torch import Tensor

from traits_plugin_sae.activations import Gated
from traits_plugin_sae.architectures.architecture import Outcome
from traits_plugin_sae.architectures.dense import Leaves, differentiated
from traits_plugin_sae.weights import Weights


@attrs.frozen
class GatedArchitecture:
    """`relu(exp(log_magnitude) pre + magnitude_bias)` where `pre` is positive, and L1 of `relu(pre)`.

    The gate learns from a second reconstruction, by `relu(pre)` and the decoder as it stands.

    Parameters
    ----------
    penalty: what the mean over rows of the sum of `relu(pre)` is multiplied by in the loss
    """

    penalty: float

    def own(self, encoder_bias_s: Tensor) -> Mapping[str, Tensor]:
        """The two that turn a pre-activation into a magnitude; both begin at 0."""
        return {
            "log_magnitude_s": torch.zeros_like(encoder_bias_s),
            "magnitude_bias_s": torch.zeros_like(encoder_bias_s),
        }

    def state(self) -> Mapping[str, Tensor]:
        """Nothing."""
        return {}

    def begin(self, weights: Weights, centred_nd: Tensor) -> None:
        """Nothing depends on the sample."""

    def step(self, weights: Weights, centred_bd: Tensor, n_rows: int, warmth: float) -> Outcome:
        """Loss and gradients on rows [B, D]."""

        def loss(leaves: Leaves) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            pre_bs = leaves.pre_activations()
            own = leaves.weights.own
            magnitudes_bs = pre_bs * own["log_magnitude_s"].exp() + own["magnitude_bias_s"]
            latents_bs = magnitudes_bs.relu() * (pre_bs > 0)
            errors_bd = leaves.errors(latents_bs)
            gates_bs = pre_bs.relu()
            misses_bd = gates_bs @ weights.decoder_sd - centred_bd
            squares = errors_bd.square().sum() + misses_bd.square().sum()
            sparsity = gates_bs.sum() * (warmth * self.penalty / n_rows)
            return squares / n_rows, sparsity, errors_bd, latents_bs

        return differentiated(weights, centred_bd, loss)

    def activation(self, weights: Weights, scale: float) -> Gated:
        """The gate's bias is the encoder's."""
        return Gated(
            gate_bias_s=torch.zeros_like(weights.encoder_bias_s),
            magnitude_bias_s=weights.own["magnitude_bias_s"] * scale,
            log_magnitude_s=weights.own["log_magnitude_s"].clone(),
        )
