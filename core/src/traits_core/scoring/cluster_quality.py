"""How well separated clusters of activations are: silhouettes and the Davies-Bouldin index, of a sample."""

from __future__ import annotations

from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_core.errors import DataError

TILE: Final = 1 << 22
"""Most distances (rows x clusters) that are held at once: 32 MiB of float64."""


@attrs.frozen(kw_only=True)
class ClusterQuality:
    """Both compare how wide clusters are with how far apart they are.

    Parameters
    ----------
    silhouette: mean over rows of (b - a) / max(a, b), from -1 to 1, larger is better; a is the mean
        squared distance to the other rows of the same cluster, b that to the nearest other cluster's
    davies_bouldin: mean over clusters of the worst (width + width) / distance of means, from 0, smaller
        is better; a width is the mean distance of rows to their mean
    clusters: how many have rows; others do not count
    """

    silhouette: float
    davies_bouldin: float
    clusters: int


@torch.no_grad()
def cluster_quality(rows_nd: Tensor, labels_n: Tensor) -> ClusterQuality:
    """Measure the clusters of rows [N, D], of which row n is in cluster `labels_n[n]`.

    The mean squared distance of a row to a cluster follows from the cluster's mean and mean square, so
    no pair of rows is looked at: time N x clusters x D, memory one `TILE`. Rousseeuw, Silhouettes, 1987;
    Davies & Bouldin, A cluster separation measure, 1979.

    Raises DataError for rows of fewer than two clusters.
    """
    found = _Clusters.of(rows_nd.double(), labels_n)
    return ClusterQuality(
        silhouette=float(found.silhouettes().mean()),
        davies_bouldin=float(found.worst_overlaps().mean()),
        clusters=len(found.counts_k),
    )


@attrs.frozen(kw_only=True, eq=False)
class _Clusters:
    """Float64 rows about their mean, and the clusters that have any, numbered anew."""

    rows_nd: Tensor
    labels_n: Tensor
    counts_k: Tensor
    means_kd: Tensor

    @classmethod
    def of(cls, rows_nd: Tensor, labels_n: Tensor) -> Self:
        known, labels_n = torch.unique(labels_n, return_inverse=True)
        if len(known) < 2:
            raise DataError(
                f"{len(rows_nd)} rows of {len(known)} clusters: how well clusters are separated "
                "needs rows of two or more"
            )
        rows_nd = rows_nd - rows_nd.mean(dim=0)
        counts_k = torch.bincount(labels_n).to(rows_nd.dtype)
        sums_kd = rows_nd.new_zeros(len(known), rows_nd.shape[1]).index_add_(0, labels_n, rows_nd)
        return cls(
            rows_nd=rows_nd,
            labels_n=labels_n,
            counts_k=counts_k,
            means_kd=sums_kd / counts_k[:, None],
        )

    def silhouettes(self) -> Tensor:
        """Silhouette [N] of each row; 0 of one that is alone in its cluster."""
        squares_n = self.rows_nd.square().sum(dim=1)
        sums_k = torch.zeros_like(self.counts_k).index_add_(0, self.labels_n, squares_n)
        step = max(1, TILE // len(self.counts_k))
        found = []
        for rows_bd, labels_b, squares_b in zip(
            torch.split(self.rows_nd, step),
            torch.split(self.labels_n, step),
            torch.split(squares_n, step),
            strict=True,
        ):
            apart_bk = squares_b[:, None] + sums_k / self.counts_k - 2 * rows_bd @ self.means_kd.T
            apart_bk.clamp_(min=0)
            counts_b, own_b1 = self.counts_k[labels_b], labels_b[:, None]
            # A row is at distance 0 from itself, and does not count among its neighbours.
            within_b = apart_bk.gather(1, own_b1)[:, 0] * counts_b / (counts_b - 1)
            beyond_b = apart_bk.scatter_(1, own_b1, torch.inf).amin(dim=1)
            width_b = (beyond_b - within_b) / torch.maximum(beyond_b, within_b)
            found.append(torch.where(counts_b > 1, width_b.nan_to_num(nan=0.0), 0.0))
        return torch.cat(found)

    def worst_overlaps(self) -> Tensor:
        """For each cluster, the largest sum of widths over distance [K] to any other."""
        to_mean_n = (self.rows_nd - self.means_kd[self.labels_n]).norm(dim=1)
        widths_k = torch.zeros_like(self.counts_k).index_add_(0, self.labels_n, to_mean_n)
        widths_k /= self.counts_k
        step = max(1, TILE // len(widths_k))
        worst = []
        for start in range(0, len(widths_k), step):
            part = slice(start, start + step)
            distances_jk = torch.cdist(
                self.means_kd[part], self.means_kd, compute_mode="donot_use_mm_for_euclid_dist"
            )
            # Clusters with one mean, such as a cluster and itself, say nothing of each other.
            distances_jk.masked_fill_(distances_jk == 0, torch.inf)
            overlaps_jk = (widths_k[part, None] + widths_k) / distances_jk
            worst.append(overlaps_jk.amax(dim=1))
        return torch.cat(worst)
