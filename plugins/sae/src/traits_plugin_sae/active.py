"""The active latents of a batch as a list, and the sums over them: all that is left of four products.

With k of S latents active, decoding and both weight gradients cost k / S of a dense product. Each is
a weighted sum of rows of a matrix per bag, which `embedding_bag` does in parallel, without atomics,
on CPU and CUDA alike.
"""

from __future__ import annotations

from typing import Self

import attrs
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


@attrs.frozen(eq=False)
class Active:
    """Latents that are active in the rows of a batch, in the order of their bags.

    A bag is a row; with nested prefixes, the latents of a row that lie between two prefixes.

    Parameters
    ----------
    values_e: float32, at least 0
    latents_e, rows_e, bags_e: int64
    n_bags: how many bags there are, the empty ones included
    """

    values_e: Tensor
    latents_e: Tensor
    rows_e: Tensor
    bags_e: Tensor
    n_bags: int

    @classmethod
    def grid(cls, values_bj: Tensor, latents_bj: Tensor) -> Self:
        """Of each row the same number of latents; places that are not needed have value 0."""
        n_rows, width = values_bj.shape
        rows_e = torch.arange(n_rows, device=values_bj.device).repeat_interleave(width)
        return cls(values_bj.flatten(), latents_bj.flatten(), rows_e, rows_e, n_rows)

    @classmethod
    def of(cls, values_e: Tensor, latents_e: Tensor, rows_e: Tensor, n_rows: int) -> Self:
        """Entries in any order."""
        order_e = rows_e.argsort(stable=True)
        rows_e = rows_e[order_e]
        return cls(values_e[order_e], latents_e[order_e], rows_e, rows_e, n_rows)

    def nested(self, bounds: Tensor, n_rows: int) -> Active:
        """The same entries in a bag for each part and row, part by part.

        Part m has the latents from the m-th of the increasing `bounds` (int64 [M - 1]) on.
        """
        parts_e = torch.bucketize(self.latents_e, bounds, right=True)
        bags_e, order_e = (parts_e * n_rows + self.rows_e).sort(stable=True)
        return Active(
            self.values_e[order_e],
            self.latents_e[order_e],
            self.rows_e[order_e],
            bags_e,
            (len(bounds) + 1) * n_rows,
        )

    def counts(self, n_latents: int) -> Tensor:
        """In how many rows each latent is positive: int64 [S]."""
        return self.latents_e[self.values_e > 0].bincount(minlength=n_latents)

    def by_latent(self, n_latents: int) -> tuple[Tensor, Tensor]:
        """The order of the entries that sorts them by latent, and where each latent begins."""
        order_e = self.latents_e.argsort(stable=True)
        return order_e, _starts(self.latents_e, n_latents)


def decoded(active: Active, values_e: Tensor, decoder_sd: Tensor) -> Tensor:
    """The sum of values times decoder rows in each bag: [bags, D]; differentiable in the values."""
    starts_r = _starts(active.bags_e, active.n_bags)
    return bag_sums(active.latents_e, starts_r, values_e, decoder_sd)


def bag_sums(indices_e: Tensor, starts_r: Tensor, values_e: Tensor, rows_nd: Tensor) -> Tensor:
    """`sum of values_e * rows_nd[indices_e]` over the entries of each bag: [R, D]."""
    return embedding_bag(indices_e, rows_nd, starts_r, mode="sum", per_sample_weights=values_e)


def entry_products(
    indices_e: Tensor, starts_r: Tensor, rows_nd: Tensor, pulls_rd: Tensor
) -> Tensor:
    """The inner product of `rows_nd[indices_e]` and of its bag's row of `pulls_rd`, per entry: [E]."""
    ones_e = torch.ones_like(indices_e, dtype=rows_nd.dtype).requires_grad_()
    with torch.enable_grad():
        sums_rd = bag_sums(indices_e, starts_r, ones_e, rows_nd)
    (products_e,) = torch.autograd.grad(sums_rd, ones_e, pulls_rd)
    return products_e


def _starts(bags_e: Tensor, n_bags: int) -> Tensor:
    """Where each bag begins among entries that are sorted by bag."""
    counts_r = bags_e.bincount(minlength=n_bags)
    return counts_r.cumsum(0) - counts_r
