"""How much latents repeat each other: correlations over rows, from sums of their products."""

from __future__ import annotations

from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_core import Comm

BLOCK: Final = 512
PAIRS: Final = 1 << 21
"""Most pairs of active latents of some rows that are held at once."""
ROUNDING: Final = 1e-12
"""A variance below this part of the mean square is rounding, and the latent constant."""


@attrs.frozen(eq=False)
class CorrelationSums:
    """Sums over rows of products of latents, which add up over batches and processes.

    Memory: (J + 1)^2 float64 values for J latents: choose some of them at random when they are many,
    and the mean over their pairs estimates the mean over all.

    Parameters
    ----------
    place_s: of each latent of S among the J that are looked at; J for one that is not
    n: rows
    sum_p: of each latent looked at, and of one that stands for the others; P = J + 1
    products_pp: sums of products of two
    """

    place_s: Tensor
    n: Tensor
    sum_p: Tensor
    products_pp: Tensor

    @classmethod
    def of_none(
        cls, n_latents: int, most: int, seed: int, device: torch.device | str = "cpu"
    ) -> Self:
        """Sums over no rows, for all latents or for `most` of them, drawn by `seed`."""
        looked_at = min(n_latents, most)
        order_s = torch.randperm(n_latents, generator=torch.Generator().manual_seed(seed))
        place_s = order_s.clamp_(max=looked_at).to(device)
        products_pp = torch.zeros(looked_at + 1, looked_at + 1, dtype=torch.float64, device=device)
        return cls(
            place_s, products_pp.new_zeros(()), products_pp.new_zeros(looked_at + 1), products_pp
        )

    def add(self, latents_bs: Tensor) -> None:
        """Take in the latents of some rows [B, S]."""
        looked_at = len(self.sum_p) - 1
        order_j = self.place_s.argsort()[:looked_at]
        wide_bj = latents_bs.detach()[:, order_j].double()
        self.n.add_(len(wide_bj))
        self.sum_p[:-1].add_(wide_bj.sum(dim=0))
        self.products_pp[:-1, :-1].addmm_(wide_bj.T, wide_bj)

    def add_sparse(self, values_bj: Tensor, indices_bj: Tensor) -> None:
        """Take in values [B, J] of the latents `indices_bj`, no latent twice in a row; others are 0."""
        wide_bj, places_bj = values_bj.detach().double(), self.place_s[indices_bj]
        self.n.add_(len(wide_bj))
        self.sum_p.index_add_(0, places_bj.flatten(), wide_bj.flatten())
        rows = max(1, PAIRS // wide_bj.shape[1] ** 2)
        for part_bj, at_bj in zip(
            torch.split(wide_bj, rows), torch.split(places_bj, rows), strict=True
        ):
            pairs_bjj = at_bj[:, :, None] * len(self.sum_p) + at_bj[:, None, :]
            products_bjj = part_bj[:, :, None] * part_bj[:, None, :]
            self.products_pp.view(-1).index_add_(0, pairs_bjj.flatten(), products_bjj.flatten())

    def all_sum(self, comm: Comm) -> None:
        """Replace the sums, in place, by those over all processes, which drew the same latents."""
        comm.all_sum(self.n, self.sum_p, self.products_pp)

    def mean_absolute(self) -> float | None:
        """Mean of |Pearson's r| over all pairs of two latents that vary; None when no two do."""
        squares_j = self.products_pp.diagonal()[:-1]
        mean_j = self.sum_p[:-1] / self.n
        scatter_j = squares_j - self.n * mean_j.square()
        varying_m = (scatter_j > ROUNDING * squares_j).nonzero().flatten()
        n_varying = len(varying_m)
        if n_varying < 2:
            return None
        inverse_m = scatter_j[varying_m].rsqrt()
        total = 0.0
        for block_b, scale_b in zip(
            torch.split(varying_m, BLOCK), torch.split(inverse_m, BLOCK), strict=True
        ):
            covariances_bm = self.products_pp[block_b][:, varying_m]
            covariances_bm.addr_(mean_j[block_b], mean_j[varying_m], alpha=-float(self.n))
            correlations_bm = covariances_bm.mul_(scale_b[:, None]).mul_(inverse_m)
            total += float(correlations_bm.abs_().sum())
        return max(0.0, total - n_varying) / (n_varying * (n_varying - 1))
