"""JumpReLU: a learned threshold per latent. Rajamanoharan et al. 2024, arXiv 2407.14435."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
import torch
from torch import Tensor

from traits_core import Comm
from traits_plugin_sae.activations import JumpRelu
from traits_plugin_sae.architectures.architecture import Outcome
from traits_plugin_sae.architectures.dense import Leaves, differentiated
from traits_plugin_sae.thresholds import Sketch
from traits_plugin_sae.top_per_row import TopPerRow
from traits_plugin_sae.weights import Weights

THRESHOLDS: Final = "threshold_s"
LEAST: Final = 0.5  # part of its threshold from which a value is looked at


@attrs.frozen(eq=False)
class JumpReluArchitecture:
    """Pre-activations above a learned threshold, and a penalty that holds their number at k.

    The loss adds `penalty (L0 / k - 1)^2`. Thresholds start where k per row are above. What is learned
    comes near k and no closer, so at inference all thresholds are multiplied by one factor: that at
    which k per row have been above in the last batches.

    Parameters
    ----------
    k: latents per row on average that thresholds are to let pass
    penalty: weight of the squared relative distance of L0 to k
    bandwidth: width of the window around a threshold in which values tell of its gradient, in units of
        the root mean squared distance of activations to their centre
    top: finds the largest of a row
    sketch: of values divided by their thresholds, of the last batches
    comm: L0 is that of all processes
    """

    k: int
    penalty: float
    bandwidth: float
    top: TopPerRow
    sketch: Sketch
    comm: Comm

    def own(self, encoder_bias_s: Tensor) -> Mapping[str, Tensor]:
        """A threshold per latent."""
        return {THRESHOLDS: torch.zeros_like(encoder_bias_s)}

    def state(self) -> Mapping[str, Tensor]:
        """The sketch."""
        return self.sketch.state()

    def begin(self, weights: Weights, centred_nd: Tensor) -> None:
        """Let `k` latents per row pass, of the sample."""
        width = min(4 * self.k, len(weights.encoder_bias_s))
        values_nj, _ = self.top(weights, centred_nd, width)
        rows = torch.tensor(len(centred_nd), device=centred_nd.device)
        self.comm.all_sum(rows)
        self.sketch.clear()
        self.sketch.observe(values_nj.relu_().flatten(), int(rows), self.comm)
        weights.own[THRESHOLDS].fill_(self.sketch.threshold(self.k))
        self.sketch.clear()

    def step(self, weights: Weights, centred_bd: Tensor, n_rows: int, warmth: float) -> Outcome:
        """Loss and gradients on rows [B, D]."""

        def loss(leaves: Leaves) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            pre_bs = leaves.pre_activations()
            thresholds_s = leaves.weights.own[THRESHOLDS]
            latents_bs, counts_s = jump(pre_bs, thresholds_s, self.bandwidth)
            self._observe(pre_bs.detach(), thresholds_s.detach(), n_rows)
            errors_bd = leaves.errors(latents_bs)
            mine = counts_s.sum() / n_rows
            l0 = mine.detach().clone()
            self.comm.all_sum(l0)
            excess = float(l0) / self.k - 1
            slope = 2 * warmth * self.penalty * excess / self.k
            share = warmth * self.penalty * excess**2 * len(centred_bd) / n_rows
            sparsity = slope * (mine - mine.detach()) + share
            return errors_bd.square().sum() / n_rows, sparsity, errors_bd, latents_bs

        return differentiated(weights, centred_bd, loss)

    def activation(self, weights: Weights, scale: float) -> JumpRelu:
        """The learned thresholds times the factor; never below 0."""
        factor = max(self.sketch.threshold(self.k), LEAST) if self.sketch.n_rows else 1.0
        return JumpRelu(weights.own[THRESHOLDS].clamp(min=0) * (factor * scale))

    def _observe(self, pre_bs: Tensor, thresholds_s: Tensor, n_rows: int) -> None:
        """Count the values of a batch in units of their thresholds."""
        thresholds_s = thresholds_s.clamp(min=torch.finfo(torch.float32).tiny)
        rows_e, latents_e = (pre_bs > LEAST * thresholds_s).nonzero(as_tuple=True)
        ratios_e = pre_bs[rows_e, latents_e] / thresholds_s[latents_e]
        self.sketch.observe(ratios_e, n_rows, self.comm)


def jump(pre_bs: Tensor, thresholds_s: Tensor, bandwidth: float) -> tuple[Tensor, Tensor]:
    """Values above their thresholds, and in how many rows each latent has one: [B, S] and [S].

    Gradients reach thresholds as if the values were blurred by a box of width `bandwidth`.
    """
    return _Jump.apply(pre_bs, thresholds_s, bandwidth)  # type: ignore[no-any-return, no-untyped-call]  # autograd


class _Jump(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, pre_bs: Tensor, thresholds_s: Tensor, bandwidth: float
    ) -> tuple[Tensor, Tensor]:
        above_bs = pre_bs > thresholds_s.clamp(min=0)
        ctx.save_for_backward(pre_bs, thresholds_s)
        ctx.bandwidth = bandwidth
        return pre_bs * above_bs, above_bs.sum(dim=0, dtype=pre_bs.dtype)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None]:
        slopes_bs, counts_slopes_s = slopes
        pre_bs, thresholds_s = ctx.saved_tensors
        near_bs = (pre_bs - thresholds_s).abs() < ctx.bandwidth / 2
        pulls_s = (slopes_bs * near_bs).sum(dim=0) * thresholds_s
        pulls_s += near_bs.sum(dim=0) * counts_slopes_s
        return slopes_bs * (pre_bs > thresholds_s.clamp(min=0)), -pulls_s / ctx.bandwidth, None
