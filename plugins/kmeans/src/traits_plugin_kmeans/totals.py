"""What one pass adds up. Everything is additive: over batches, over processes, over restarts."""

from __future__ import annotations

import math
from typing import Self

import attrs
import torch
from torch import Tensor

from traits_core import Comm
from traits_plugin_kmeans.codebook import Nearest


@attrs.frozen(eq=False)
class Totals:
    """The sufficient statistics of a pass, in float64.

    Parameters
    ----------
    sums_kd: sum of the centred rows of each cluster, in exact passes
    row_sum_d: sum of the centred rows of mini-batch steps, which have no `sums_kd`
    counts_k: rows of each cluster, each counted with its weight
    inertia: sum of the squared distances of rows to their centroids
    squares: sum of the squared norms of the centred rows
    """

    sums_kd: Tensor
    row_sum_d: Tensor
    counts_k: Tensor
    inertia: Tensor
    squares: Tensor

    @classmethod
    def zeros(cls, n_clusters: int, d_model: int, device: torch.device) -> Self:
        """The totals of no rows."""
        return cls(
            torch.zeros(n_clusters, d_model, dtype=torch.float64, device=device),
            torch.zeros(d_model, dtype=torch.float64, device=device),
            torch.zeros(n_clusters, dtype=torch.float64, device=device),
            torch.zeros((), dtype=torch.float64, device=device),
            torch.zeros((), dtype=torch.float64, device=device),
        )

    def tensors(self) -> dict[str, Tensor]:
        """The live tensors by name."""
        return attrs.asdict(self, recurse=False)

    def add_sums(self, rows_bd: Tensor, labels_b: Tensor, weights_b: Tensor) -> None:
        """Add centred rows [B, D] to the sums of their clusters, each times its weight."""
        self.sums_kd.index_add_(0, labels_b, rows_bd.double().mul_(weights_b[:, None]))

    def add(self, found: Nearest, distances_b: Tensor, weights_b: Tensor) -> None:
        """Add what was found for rows: their clusters, squared norms and squared distances."""
        self.counts_k.add_(torch.bincount(found.labels_b, weights_b, len(self.counts_k)))
        self.inertia.add_(distances_b.double() @ weights_b)
        self.squares.add_(found.norms_b.double() @ weights_b)

    def clear(self) -> None:
        """Forget all rows."""
        for tensor in self.tensors().values():
            tensor.zero_()

    def n_rows(self) -> float:
        """How many rows were added, each counted with its weight."""
        return float(self.counts_k.sum())

    def means_kd(self, empty_kd: Tensor) -> Tensor:
        """The float32 mean of each cluster, and the row of `empty_kd` where there is none."""
        means_kd = self.sums_kd / self.counts_k[:, None]
        return torch.where(self.counts_k[:, None] > 0, means_kd.float(), empty_kd)

    def way(self, old_kd: Tensor, new_kd: Tensor) -> float:
        """How far centroids move: the root mean square, weighted by size."""
        way_k = (new_kd - old_kd).double().square().sum(dim=1)
        return math.sqrt(float((way_k * self.counts_k).sum()) / self.n_rows())

    def explained(self) -> float:
        """The fraction of the rows' variance that the clusters explain; 1 when there is none."""
        mean_d = (self.row_sum_d + self.sums_kd.sum(dim=0)) / self.n_rows()
        variance = float(self.squares - self.n_rows() * mean_d.square().sum())
        return 1.0 - float(self.inertia) / variance if variance > 0 else 1.0


def largest(value: Tensor, comm: Comm) -> Tensor:
    """The largest of a number that each process has."""
    value_w = value.new_zeros(comm.world_size)
    value_w[comm.rank] = value
    comm.all_sum(value_w)
    return value_w.max()
