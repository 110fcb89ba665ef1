"""What training needs of an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import attrs
from torch import Tensor

from traits_plugin_sae.activations import Activation
from traits_plugin_sae.weights import Weights


@attrs.frozen(eq=False, kw_only=True)
class Outcome:
    """What the rows of one process say of the weights; sums over processes are those of all rows.

    Parameters
    ----------
    gradients: of the loss, which is a mean over the rows of all processes
    reconstruction, sparsity: 0-d, the two parts of the loss
    squared_error: 0-d, summed over rows
    errors_bd: reconstruction minus activation
    counts_s: in how many rows each latent is positive
    """

    gradients: Weights
    reconstruction: Tensor
    sparsity: Tensor
    squared_error: Tensor
    errors_bd: Tensor
    counts_s: Tensor


class Architecture(Protocol):
    """From pre-activations to latents, to a loss, to gradients.

    Activations have unit scale: their mean squared distance to the decoder's bias is about 1, so that
    the reconstruction loss is about the fraction of variance unexplained. Decoder rows have length 1.
    """

    def own(self, encoder_bias_s: Tensor) -> Mapping[str, Tensor]:
        """The first values of weights that others do not have, made like `encoder_bias_s`."""

    def state(self) -> Mapping[str, Tensor]:
        """Live tensors that training changes beside the weights."""

    def begin(self, weights: Weights, centred_nd: Tensor) -> None:
        """See this process's part of the sample, minus the decoder's bias, before the first step."""

    def step(self, weights: Weights, centred_bd: Tensor, n_rows: int, warmth: float) -> Outcome:
        """Loss and gradients on rows [B, D], minus the decoder's bias.

        `n_rows` counts those of all processes, `warmth` (0 to 1) scales the penalty on latents.
        """

    def activation(self, weights: Weights, scale: float) -> Activation:
        """How latents of activations that are `scale` times as large follow from pre-activations."""
