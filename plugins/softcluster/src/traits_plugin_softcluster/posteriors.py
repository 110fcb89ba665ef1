"""To which clusters rows belong most: chosen in bfloat16 where that is faster, settled in float32."""

from __future__ import annotations

import math
from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_core import BFLOAT16_ROUNDOFF, ProductRoute, largest_per_row
from traits_plugin_softcluster.centres import Centres

DOUBT: Final = 2.05 * BFLOAT16_ROUNDOFF  # of cosines: 1 for either vector, the rest for sums
LEAST_CANDIDATES: Final = 16  # in bfloat16, even where fewer are wanted: few rows have more
LEAST_FLOOR: Final = 1e-4  # below, too many memberships would be computed twice


@attrs.frozen(eq=False)
class Posteriors:
    """The largest memberships of rows in the softmax over all clusters, in no order.

    Parameters
    ----------
    soft_bj: the memberships
    clusters_bj: whose they are, int64
    log_totals_b: log of the sum over all clusters of exp(cosine / temperature)
    """

    soft_bj: Tensor
    clusters_bj: Tensor
    log_totals_b: Tensor

    @classmethod
    def of(cls, rows_bd: Tensor, centres: Centres, n: int, least: float, tile_bk: Tensor) -> Self:
        """The `n` largest of unit rows [B, D]; the softmax goes to the first B rows of `tile_bk`.

        Products in bfloat16 are wrong by `DOUBT` at most, so that a membership of `least` has a rough
        one of `floor` or more. All of these, and all that may be the largest of a row, are computed
        again in float32; a row whose candidates all are may have more, and is compared with all
        centres again. Smaller ones stay rough: they only count in the sum over all clusters. With
        `n` of K clusters, columns are clusters, and `soft_bj` is the tile.
        """
        floor = math.exp(-2 * DOUBT / centres.temperature)
        screened = centres.route is ProductRoute.SCREENED
        if not screened or n == len(centres.centres_kd) or floor * least < LEAST_FLOOR:
            return cls._by(centres.exact_route, rows_bd, centres, n, tile_bk)
        width = max(n, LEAST_CANDIDATES)
        rough = cls._by(ProductRoute.SCREENED, rows_bd, centres, width, tile_bk)
        counted_b1 = rough.soft_bj.amax(dim=1, keepdim=True).clamp_(max=least)
        close_bj = rough.soft_bj >= floor * counted_b1
        n_close_b = close_bj.sum(dim=1)
        found = rough._settled(rows_bd, centres, close_bj, n_close_b)
        more_c = (n_close_b == width).nonzero()[:, 0]
        if len(more_c):
            again = cls._by(centres.exact_route, rows_bd[more_c], centres, width, tile_bk)
            found.soft_bj[more_c], found.clusters_bj[more_c] = again.soft_bj, again.clusters_bj
            found.log_totals_b[more_c] = again.log_totals_b
        return found if n == width else found._largest(n)

    @classmethod
    def _by(
        cls, route: ProductRoute, rows_bd: Tensor, centres: Centres, n: int, tile_bk: Tensor
    ) -> Self:
        """The `n` largest, to the precision of a product."""
        logits_bk = centres.logits(rows_bd, tile_bk, route)
        if n == logits_bk.shape[1]:
            best_b = logits_bk.amax(dim=1)
            clusters_bj = torch.arange(n, device=logits_bk.device).expand_as(logits_bk)
            soft_bj = torch.softmax(logits_bk, dim=1, out=logits_bk)
        else:
            largest_bj, clusters_bj = largest_per_row(logits_bk, n)
            best_b = largest_bj.amax(dim=1)
            soft_bj = torch.softmax(logits_bk, dim=1, out=logits_bk).gather(1, clusters_bj)
        return cls(soft_bj, clusters_bj, best_b - soft_bj.amax(dim=1).log())

    def _largest(self, n: int) -> Self:
        """The `n` largest of these."""
        top = self.soft_bj.topk(n, dim=1, sorted=False)
        return type(self)(top.values, self.clusters_bj.gather(1, top.indices), self.log_totals_b)

    def _settled(
        self, rows_bd: Tensor, centres: Centres, close_bj: Tensor, n_close_b: Tensor
    ) -> Self:
        """The same with float32 products where `close_bj`, which are `n_close_b` in each row."""
        cosines_e = centres.some_cosines(rows_bd, n_close_b, self.clusters_bj[close_bj])
        log_totals_e = self.log_totals_b.repeat_interleave(n_close_b)
        soft_bj = self.soft_bj.clone()
        soft_bj[close_bj] = (cosines_e / centres.temperature - log_totals_e).exp_()
        growth_b = 1 + (soft_bj - self.soft_bj).sum(dim=1)
        soft_bj.div_(growth_b[:, None])
        return type(self)(soft_bj, self.clusters_bj, self.log_totals_b + growth_b.log())
