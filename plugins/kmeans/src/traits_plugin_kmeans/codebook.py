"""Centroids and the search for the nearest one, a cache-sized tile of rows at a time."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

CPU_TILE_BYTES = 16 << 20  # a share of the last-level cache
GPU_TILE_BYTES = 512 << 20


def score_tile(n_clusters: int, device: torch.device) -> Tensor:
    """An uninitialised float32 buffer [rows, K] for `Codebook.nearest`; 64 to 4096 rows on a CPU."""
    on_cpu = device.type == "cpu"
    rows = (CPU_TILE_BYTES if on_cpu else GPU_TILE_BYTES) // (4 * n_clusters)
    rows = min(max(rows, 64), 4096 if on_cpu else 65536)
    return torch.empty(rows, n_clusters, dtype=torch.float32, device=device)


@attrs.frozen(eq=False)
class Codebook:
    """Centroids [K, D], float32, with half of their squared norms."""

    centroids_kd: Tensor
    half_norms_k: Tensor = attrs.field(init=False)

    @half_norms_k.default
    def _half_norms(self) -> Tensor:
        return self.centroids_kd.square().sum(dim=1) / 2

    def nearest(self, rows_bd: Tensor, tile_bk: Tensor) -> Tensor:
        """The index [B] of the centroid nearest to each row, the first of equals.

        argmin |x - c|^2 = argmax (x.c - |c|^2 / 2). The scores go to the first B rows of `tile_bk`.
        """
        scores_bk = tile_bk[: len(rows_bd)]
        torch.addmm(self.half_norms_k, rows_bd, self.centroids_kd.T, beta=-1, out=scores_bk)
        return scores_bk.max(dim=1).indices

    def squared_distances(self, rows_bd: Tensor, labels_b: Tensor) -> Tensor:
        """The squared distance [B] of each row to its own centroid, exactly 0 where they are equal."""
        return (rows_bd - self.centroids_kd[labels_b]).square_().sum(dim=1)
