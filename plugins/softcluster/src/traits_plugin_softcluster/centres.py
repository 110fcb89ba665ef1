"""Unit centres, and the softmax of rows over them, a cache-sized tile of rows at a time."""

from __future__ import annotations

from typing import Final

import attrs
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from traits_core import ProductRoute, product_route

SCREENED_FROM: Final = 128  # dimensions and clusters; below, checking costs more than it saves
CPU_TILE_BYTES: Final = 16 << 20  # a share of the last-level cache
GPU_TILE_BYTES: Final = 512 << 20


def tile_rows(n_clusters: int, device: torch.device) -> int:
    """How many rows to compare with the centres at a time; 64 to 4096 on a CPU."""
    on_cpu = device.type == "cpu"
    rows = (CPU_TILE_BYTES if on_cpu else GPU_TILE_BYTES) // (4 * n_clusters)
    return min(max(rows, 64), 4096 if on_cpu else 65536)


def softmax_tile(n_clusters: int, device: torch.device) -> Tensor:
    """An uninitialised float32 buffer [rows, K] for `Centres.softmax`."""
    rows = tile_rows(n_clusters, device)
    return torch.empty(rows, n_clusters, dtype=torch.float32, device=device)


def choosing_route(centres_kd: Tensor) -> ProductRoute:
    """The fastest product with centres [K, D]: `SCREENED` only where they are large enough."""
    route = product_route(centres_kd.device)
    small = min(centres_kd.shape) < SCREENED_FROM
    return ProductRoute.PLAIN if route is ProductRoute.SCREENED and small else route


@attrs.frozen(eq=False)
class Centres:
    """Unit vectors [K, D], float32, with the temperature of the softmax over cosines to them.

    `route` is the fastest product with them; where that is in bfloat16, float32 settles close calls.
    """

    centres_kd: Tensor
    temperature: float
    route: ProductRoute = attrs.field()
    scaled_kd: Tensor = attrs.field(init=False)

    @route.default
    def _route(self) -> ProductRoute:
        return choosing_route(self.centres_kd)

    @scaled_kd.default
    def _scaled(self) -> Tensor:
        return self.centres_kd / self.temperature

    @property
    def exact_route(self) -> ProductRoute:
        """The fastest product in float32."""
        return ProductRoute.PLAIN if self.route is ProductRoute.SCREENED else self.route

    def logits(self, rows_bd: Tensor, out_bk: Tensor, route: ProductRoute) -> Tensor:
        """x.c / temperature of unit rows [B, D], in the first B rows of `out_bk`."""
        logits_bk = out_bk[: len(rows_bd)]
        route.multiply(rows_bd, self.scaled_kd, logits_bk)
        return logits_bk

    def softmax(self, rows_bd: Tensor, out_bk: Tensor) -> Tensor:
        """softmax(x.c / temperature) of unit rows [B, D], in the first B rows of `out_bk`."""
        soft_bk = self.logits(rows_bd, out_bk, self.exact_route)
        return torch.softmax(soft_bk, dim=1, out=soft_bk)

    def cosines(self, rows_bd: Tensor, clusters_b: Tensor) -> Tensor:
        """The cosine [B] of each unit row to a centre of its own."""
        own_bd = self.centres_kd.index_select(0, clusters_b)  # four times as fast as [clusters_b]
        return own_bd.mul_(rows_bd).sum(dim=1)

    def some_cosines(self, rows_bd: Tensor, counts_b: Tensor, clusters_e: Tensor) -> Tensor:
        """The cosines [E] of unit rows [B, D] to centres: `counts_b` for each row, row after row.

        They are the gradient of rows times weighted sums of centres by the weights, and no copies of
        rows or centres are made.
        """
        weights_e = torch.ones_like(clusters_e, dtype=rows_bd.dtype).requires_grad_()
        starts_b = counts_b.cumsum(0) - counts_b
        with torch.enable_grad():
            sums_bd = embedding_bag(
                clusters_e, self.centres_kd, starts_b, mode="sum", per_sample_weights=weights_e
            )
        (cosines_e,) = torch.autograd.grad(sums_bd, weights_e, rows_bd)
        return cosines_e


def for_threads(centres: Centres) -> Centres:
    """The same by plain products, which change no setting that other threads multiply by."""
    return Centres(centres.centres_kd, centres.temperature, ProductRoute.PLAIN)


def keep_members_(soft_bj: Tensor, min_membership: float) -> Tensor:
    """Set memberships [B, J] below `min_membership` to 0, in place, but never the largest of a row.

    So no row is left without any, and rows can always be divided by their sums.
    """
    least_b1 = soft_bj.amax(dim=1, keepdim=True).clamp_(max=min_membership)
    return soft_bj.masked_fill_(soft_bj < least_b1, 0)
