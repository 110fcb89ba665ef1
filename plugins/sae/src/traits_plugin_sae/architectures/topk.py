"""TopK: of each row, the k largest latents. Gao et al. 2024, arXiv 2406.04093."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from torch import Tensor

from traits_plugin_sae.activations import TopK
from traits_plugin_sae.active import Active
from traits_plugin_sae.architectures.architecture import Outcome
from traits_plugin_sae.architectures.chosen import reconstruct_chosen
from traits_plugin_sae.top_per_row import TopPerRow
from traits_plugin_sae.weights import Weights


@attrs.frozen(eq=False)
class TopKArchitecture:
    """The k largest pre-activations of each row, where positive.

    Parameters
    ----------
    k: latents per row
    bounds: int64, widths of the nested prefixes that reconstruct too
    top: finds them
    """

    k: int
    bounds: Tensor
    top: TopPerRow

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
        values_bk, latents_bk = self.top(weights, centred_bd, self.k)
        active = Active.grid(values_bk.relu_(), latents_bk)
        return reconstruct_chosen(weights, centred_bd, active, self.bounds, n_rows)

    def activation(self, weights: Weights, scale: float) -> TopK:
        """TopK has no scale."""
        return TopK(self.k)
