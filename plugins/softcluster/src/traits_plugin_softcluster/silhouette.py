"""Silhouettes of a sample of rows, in time linear in rows."""

from __future__ import annotations

import torch
from torch import Tensor

from traits_core import DataError
from traits_plugin_softcluster.centres import tile_rows
from traits_plugin_softcluster.directions import directions
from traits_plugin_softcluster.scorer import SoftClusterScorer


@torch.no_grad()
def cosine_silhouettes(rows_nd: Tensor, labels_n: Tensor, n_clusters: int) -> Tensor:
    """The silhouette [N], float64, of each unit row among all, by the distance 1 - cosine.

    That distance is linear in each of its rows: the mean distance of x to a cluster of n rows with
    sum s is 1 - x.s / n, so no pair is looked at. Rows alone in their cluster have 0.
    Rousseeuw, Silhouettes, J. Comput. Appl. Math. 20 (1987).

    Raises DataError when all rows are of one cluster.
    """
    rows_nd = rows_nd.double()
    counts_k = torch.bincount(labels_n, minlength=n_clusters).double()
    if int((counts_k > 0).sum()) < 2:
        raise DataError("silhouettes need rows of at least two clusters: take a larger sample")
    sums_kd = rows_nd.new_zeros(n_clusters, rows_nd.shape[1]).index_add_(0, labels_n, rows_nd)
    means_kd = sums_kd / counts_k.clamp(min=1)[:, None]
    silhouettes = []
    step = tile_rows(n_clusters, rows_nd.device)
    for part_bd, own_b in zip(torch.split(rows_nd, step), torch.split(labels_n, step), strict=True):
        distances_bk = (1 - part_bd @ means_kd.T).masked_fill_(counts_k == 0, torch.inf)
        counts_b = counts_k[own_b]
        # A row is at distance 0 from itself, and does not count among its neighbours.
        within_b = distances_bk.gather(1, own_b[:, None])[:, 0] * counts_b / (counts_b - 1)
        beyond_b = distances_bk.scatter_(1, own_b[:, None], torch.inf).amin(dim=1)
        width_b = (beyond_b - within_b) / torch.maximum(beyond_b, within_b)
        silhouettes.append(torch.where(counts_b > 1, width_b.nan_to_num(nan=0.0), 0.0))
    return torch.cat(silhouettes)


@torch.no_grad()
def sampled_silhouettes(scorer: SoftClusterScorer, sample_nd: Tensor) -> tuple[Tensor, Tensor]:
    """Silhouettes of the rows of a sample [N, D] that have a direction, and their clusters.

    A row is of the cluster with its largest membership. Memory: the sample twice, and a tile.
    """
    _, clusters_nj = scorer.sparse(sample_nd)
    rows_nd, directed_n = directions(sample_nd, scorer.shift_d)
    labels_n = clusters_nj[directed_n, 0]
    return cosine_silhouettes(rows_nd[directed_n], labels_n, scorer.n_prototypes), labels_n


def cluster_means(silhouettes_n: Tensor, labels_n: Tensor, n_clusters: int) -> Tensor:
    """The mean silhouette [K], float64, of the rows of each cluster; 0 for clusters without rows."""
    sums_k = silhouettes_n.new_zeros(n_clusters).index_add_(0, labels_n, silhouettes_n)
    return sums_k / torch.bincount(labels_n, minlength=n_clusters).clamp(min=1)
