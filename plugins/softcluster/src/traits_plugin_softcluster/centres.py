"""Unit centres, and the softmax of rows over them, a cache-sized tile of rows at a time."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

CPU_TILE_BYTES = 16 << 20  # a share of the last-level cache
GPU_TILE_BYTES = 512 << 20


def tile_rows(n_clusters: int, device: torch.device) -> int:
    """How many rows to compare with the centres at a time; 64 to 4096 on a CPU."""
    on_cpu = device.type == "cpu"
    rows = (CPU_TILE_BYTES if on_cpu else GPU_TILE_BYTES) // (4 * n_clusters)
    return min(max(rows, 64), 4096 if on_cpu else 65536)


def softmax_tile(n_clusters: int, device: torch.device) -> Tensor:
    """An uninitialised float32 buffer [rows, K] for `Centres.softmax`."""
    rows = tile_rows(n_clusters, device)
    return torch.empty(rows, n_clusters, dtype=torch.float32, device=device)


@attrs.frozen(eq=False)
class Centres:
    """Unit vectors [K, D], float32, with the temperature of the softmax over cosines to them."""

    centres_kd: Tensor
    temperature: float
    scaled_kd: Tensor = attrs.field(init=False)

    @scaled_kd.default
    def _scaled(self) -> Tensor:
        return self.centres_kd / self.temperature

    def softmax(self, rows_bd: Tensor, out_bk: Tensor) -> Tensor:
        """softmax(x.c / temperature) of unit rows [B, D], in the first B rows of `out_bk`."""
        soft_bk = torch.mm(rows_bd, self.scaled_kd.T, out=out_bk[: len(rows_bd)])
        return torch.softmax(soft_bk, dim=1, out=soft_bk)

    def cosines(self, rows_bd: Tensor, clusters_b: Tensor) -> Tensor:
        """The cosine [B] of each unit row to a centre of its own."""
        return (rows_bd * self.centres_kd[clusters_b]).sum(dim=1)


def keep_members_(soft_bj: Tensor, min_membership: float) -> Tensor:
    """Set memberships [B, J] below `min_membership` to 0, in place, but never the largest of a row.

    So no row is left without any, and rows can always be divided by their sums.
    """
    least_b1 = soft_bj.amax(dim=1, keepdim=True).clamp_(max=min_membership)
    return soft_bj.masked_fill_(soft_bj < least_b1, 0)
