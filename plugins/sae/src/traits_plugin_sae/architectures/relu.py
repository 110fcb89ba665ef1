"""ReLU with an L1 penalty: the oldest, and the baseline. Bricken et al. 2023, Towards Monosemanticity."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from torch import Tensor

from traits_plugin_sae.activations import Relu
from traits_plugin_sae.architectures.architecture import Outcome
from traits_plugin_sae.architectures.dense import Leaves, differentiated
from traits_plugin_sae.weights import Weights


@attrs.frozen
class ReluArchitecture:
    """All positive pre-activations, and a penalty on what they add to the reconstruction.

    Parameters
    ----------
    penalty: what the mean over rows of the sum of latents, each times the length of its decoder row,
        is multiplied by in the loss
    """

    penalty: float

    def own(self, encoder_bias_s: Tensor) -> Mapping[str, Tensor]:
        """Nothing."""
        return {}

    def state(self) -> Mapping[str, Tensor]:
        """Nothing."""
        return {}

    def begin(self, weights: Weights, centred_nd: Tensor) -> None:
        """Nothing depends on the sample."""

    def step(self, weights: Weights, centred_bd: Tensor, n_rows: int, warmth: float) -> Outcome:
        """Loss and gradients on rows [B, D]."""

        def loss(leaves: Leaves) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            latents_bs = leaves.pre_activations().relu_()
            errors_bd = leaves.errors(latents_bs)
            reconstruction = errors_bd.square().sum() / n_rows
            # Of no effect on rows of length 1: this slope lies along them and is projected out.
            norms_s = leaves.weights.decoder_sd.norm(dim=1)
            sparsity = latents_bs.sum(dim=0) @ norms_s * (warmth * self.penalty / n_rows)
            return reconstruction, sparsity, errors_bd, latents_bs

        return differentiated(weights, centred_bd, loss)

    def activation(self, weights: Weights, scale: float) -> Relu:
        """ReLU has no scale."""
        return Relu()
