"""BatchTopK: k latents per row on average, more for some rows. Bussmann et al. 2024, arXiv 2412.06410."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs
import torch
from torch import Tensor

from traits_core import Comm
from traits_plugin_sae.activations import JumpRelu
from traits_plugin_sae.active import Active
from traits_plugin_sae.architectures.architecture import Outcome
from traits_plugin_sae.architectures.chosen import reconstruct_chosen
from traits_plugin_sae.thresholds import Sketch, nth_largest
from traits_plugin_sae.top_per_row import TopPerRow
from traits_plugin_sae.weights import Weights

WIDENING: Final = 4


@attrs.frozen(eq=False)
class BatchTopKArchitecture:
    """The k B largest pre-activations of B rows, where positive; at inference, those above a threshold.

    The threshold is that above which k per row have been in the last batches. Those that others take,
    the least chosen value of each batch, let more pass.

    Parameters
    ----------
    k: latents per row on average
    bounds: int64, widths of the nested prefixes that reconstruct too
    top: finds the largest of a row
    sketch: of the values of the last batches
    comm: a batch is that of all processes
    """

    k: int
    bounds: Tensor
    top: TopPerRow
    sketch: Sketch
    comm: Comm

    def own(self, encoder_bias_s: Tensor) -> Mapping[str, Tensor]:
        """Nothing."""
        return {}

    def state(self) -> Mapping[str, Tensor]:
        """The sketch."""
        return self.sketch.state()

    def begin(self, weights: Weights, centred_nd: Tensor) -> None:
        """Find the first threshold."""
        n_rows = torch.tensor(len(centred_nd), dtype=torch.int64, device=centred_nd.device)
        self.comm.all_sum(n_rows)
        self.sketch.clear()
        self._chosen(weights, centred_nd, int(n_rows))

    def step(self, weights: Weights, centred_bd: Tensor, n_rows: int, warmth: float) -> Outcome:
        """Loss and gradients on rows [B, D]."""
        active = self._chosen(weights, centred_bd, n_rows)
        return reconstruct_chosen(weights, centred_bd, active, self.bounds, n_rows)

    def activation(self, weights: Weights, scale: float) -> JumpRelu:
        """One threshold for all latents."""
        threshold = self.sketch.threshold(self.k) * scale
        return JumpRelu(torch.full_like(weights.encoder_bias_s, threshold))

    def _chosen(self, weights: Weights, centred_bd: Tensor, n_rows: int) -> Active:
        """The largest `k n_rows` values over all processes.

        The 2 k largest of each row are compared first; rows that may have more to give are widened
        until none does.
        """
        n_latents = len(weights.encoder_bias_s)
        width = min(2 * self.k, n_latents)
        values_e, latents_e, rows_e, least_b = self._candidates(
            weights, centred_bd, torch.arange(len(centred_bd), device=centred_bd.device), width
        )
        while True:
            threshold = nth_largest(values_e, self.k * n_rows, self.comm)
            wanting_b = least_b > threshold
            if width == n_latents or not self.comm.any_flag(bool(wanting_b.any())):
                break
            width = min(WIDENING * width, n_latents)
            wide = self._candidates(weights, centred_bd, wanting_b.nonzero()[:, 0], width)
            least_b[wanting_b] = wide[3]
            kept_e = ~wanting_b[rows_e]
            values_e = torch.cat([values_e[kept_e], wide[0]])
            latents_e = torch.cat([latents_e[kept_e], wide[1]])
            rows_e = torch.cat([rows_e[kept_e], wide[2]])
        self.sketch.observe(values_e, n_rows, self.comm)
        kept_e = (values_e >= threshold) & (values_e > 0)
        return Active.of(values_e[kept_e], latents_e[kept_e], rows_e[kept_e], len(centred_bd))

    def _candidates(
        self, weights: Weights, centred_bd: Tensor, rows_r: Tensor, width: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The `width` largest values of some rows with latents and rows, and the least of each row."""
        values_rj, latents_rj = self.top(weights, centred_bd[rows_r], width)
        values_rj.relu_()
        rows_e = rows_r.repeat_interleave(width)
        return values_rj.flatten(), latents_rj.flatten(), rows_e, values_rj.amin(dim=1)
