"""Centroids and the search for the nearest one, a cache-sized tile of rows at a time."""

from __future__ import annotations

from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_core import BFLOAT16_ROUNDOFF, ProductRoute, product_route

CPU_TILE_BYTES: Final = 16 << 20  # a share of the last-level cache
GPU_TILE_BYTES: Final = 512 << 20
ROUGH_FROM: Final = 64  # dimensions and clusters; below, bfloat16 saves nothing
SCREENED_FROM: Final = 128  # below, checking costs more than it saves
TOO_CLOSE: Final = 0.15  # so does checking more than this part of the rows twice
DOUBT: Final = 1.5 * BFLOAT16_ROUNDOFF


def score_tile(n_clusters: int, device: torch.device) -> Tensor:
    """An uninitialised float32 buffer [rows, K] for `Codebook.nearest`; 64 to 4096 rows on a CPU."""
    on_cpu = device.type == "cpu"
    rows = (CPU_TILE_BYTES if on_cpu else GPU_TILE_BYTES) // (4 * n_clusters)
    rows = min(max(rows, 64), 4096 if on_cpu else 65536)
    return torch.empty(rows, n_clusters, dtype=torch.float32, device=device)


@attrs.frozen(eq=False)
class Nearest:
    """What the search found for rows.

    Parameters
    ----------
    labels_b: the index of the nearest centroid, the first of equals
    norms_b: squared norm of each row
    scores_b: x.c - |c|^2 / 2 of the nearest centroid, to the precision of the products
    """

    labels_b: Tensor
    norms_b: Tensor
    scores_b: Tensor

    @property
    def distances_b(self) -> Tensor:
        """Squared distances |x|^2 - 2 (x.c - |c|^2 / 2), at least 0; cheap, and as precise as the scores."""
        return (self.norms_b - 2 * self.scores_b).clamp_(min=0)


@attrs.frozen(eq=False)
class Codebook:
    """Centroids [K, D], float32, with half of their squared norms.

    Parameters
    ----------
    centroids_kd: the centroids
    route: how rows are multiplied with them (default: the fastest one that keeps all labels)
    """

    centroids_kd: Tensor
    route: ProductRoute = attrs.field()
    half_norms_k: Tensor = attrs.field(init=False)
    _doubts_k: Tensor = attrs.field(init=False)

    @route.default
    def _route(self) -> ProductRoute:
        route = product_route(self.centroids_kd.device)
        small = min(self.centroids_kd.shape) < SCREENED_FROM
        return ProductRoute.PLAIN if route is ProductRoute.SCREENED and small else route

    @half_norms_k.default
    def _half_norms(self) -> Tensor:
        return self.centroids_kd.square().sum(dim=1) / 2

    @classmethod
    def suited_to(cls, centroids_kd: Tensor, rows_bd: Tensor, tile_bk: Tensor) -> Self:
        """Centroids with the route that is the fastest for rows like these, a tile of them.

        Rows that are close to several centroids, measured by their length, are not screened.
        """
        codebook = cls(centroids_kd)
        if codebook.route is ProductRoute.SCREENED:
            n_close = codebook._search(rows_bd, tile_bk)[1]
            if n_close > TOO_CLOSE * len(rows_bd):
                return cls(centroids_kd, ProductRoute.PLAIN)
        return codebook

    def moved_to(self, centroids_kd: Tensor) -> Self:
        """Other centroids with the same route."""
        return type(self)(centroids_kd, self.route)

    @_doubts_k.default
    def _doubts(self) -> Tensor:
        if self.route is not ProductRoute.SCREENED:
            return self.half_norms_k.new_zeros(0)
        return DOUBT * fourth_norms(self.centroids_kd.square())

    def nearest(self, rows_bd: Tensor, tile_bk: Tensor) -> Nearest:
        """The nearest centroid of each row [B, D]. The scores go to the first B rows of `tile_bk`.

        argmin |x - c|^2 = argmax (x.c - |c|^2 / 2).
        """
        return self._search(rows_bd, tile_bk)[0]

    def roughly_nearest(self, rows_bd: Tensor, tile_bk: Tensor) -> Nearest:
        """A centroid of each row [B, D] that is nearest to the precision of bfloat16, if that is faster."""
        fast = min(self.centroids_kd.shape) >= ROUGH_FROM
        route = product_route(rows_bd.device) if fast else ProductRoute.PLAIN
        best_b, labels_b = self._best(route, rows_bd, tile_bk[: len(rows_bd)])
        return Nearest(labels_b, rows_bd.square().sum(dim=1), best_b)

    def squared_distances(self, rows_bd: Tensor, labels_b: Tensor) -> Tensor:
        """The squared distance [B] of each row to its own centroid, exactly 0 where they are equal."""
        own_bd = self.centroids_kd.index_select(0, labels_b)  # four times as fast as [labels_b]
        return own_bd.sub_(rows_bd).square_().sum(dim=1)

    def _search(self, rows_bd: Tensor, tile_bk: Tensor) -> tuple[Nearest, int]:
        """The nearest centroids, and for how many rows they were searched again in float32."""
        scores_bk = tile_bk[: len(rows_bd)]
        best_b, labels_b = self._best(self.route, rows_bd, scores_bk)
        squares_bd, n_close = rows_bd.square(), 0
        if self.route is ProductRoute.SCREENED:
            close_c = self._close(scores_bk, best_b, labels_b, fourth_norms(squares_bd))
            n_close = len(close_c)
            if n_close:
                best_b[close_c], labels_b[close_c] = self._settle(rows_bd[close_c], tile_bk)
        return Nearest(labels_b, squares_bd.sum(dim=1), best_b), n_close

    def _best(
        self, route: ProductRoute, rows_bd: Tensor, scores_bk: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The largest x.c - |c|^2 / 2 of each row, and whose it is; all of them go to `scores_bk`."""
        route.multiply(rows_bd, self.centroids_kd, scores_bk)
        best_b, labels_b = scores_bk.sub_(self.half_norms_k).max(dim=1)
        return best_b, labels_b

    def _close(
        self, scores_bk: Tensor, best_b: Tensor, labels_b: Tensor, norms_b: Tensor
    ) -> Tensor:
        """The rows whose nearest centroid may be another in float32; overwrites the scores.

        With the roundings e, f of rows and centroids, x.c is wrong by the sum of x c (e + f) over
        the dimensions. These errors are independent, so that sums grow like roots of sums of
        squares, and sum x^2 c^2 <= |x|_4^2 |c|_4^2. A doubt of 1.5 units on either side is more
        than six standard deviations where many dimensions matter; where only one does, it is the
        largest possible error.
        """
        scores_bk.addcmul_(norms_b[:, None], self._doubts_k)
        scores_bk.scatter_(1, labels_b[:, None], -torch.inf)
        least_b = best_b - norms_b * self._doubts_k[labels_b]
        return (scores_bk.amax(dim=1) >= least_b).nonzero()[:, 0]

    def _settle(self, rows_cd: Tensor, tile_bk: Tensor) -> tuple[Tensor, Tensor]:
        """The best scores and their labels in float32."""
        return self._best(ProductRoute.PLAIN, rows_cd, tile_bk[: len(rows_cd)])


def for_threads(codebook: Codebook) -> Codebook:
    """The same by plain products, which change no setting that other threads multiply by."""
    return Codebook(codebook.centroids_kd, ProductRoute.PLAIN)


def fourth_norms(squares_bd: Tensor) -> Tensor:
    """|x|_4 of rows whose squares are [B, D]."""
    norms_b: Tensor = torch.linalg.vector_norm(squares_bd, dim=1)
    return norms_b.sqrt()
