"""New scorers from old: clusters that belong together merged, one that does not split."""

from __future__ import annotations

from typing import Final

import attrs
import torch
from torch import Tensor

from traits_core import DataError, greedy_kmeans_plus_plus
from traits_plugin_softcluster.centres import Centres
from traits_plugin_softcluster.directions import directions, normalized
from traits_plugin_softcluster.scorer import SoftClusterScorer

SPLIT_STEPS: Final = 20


@torch.no_grad()
def merge_clusters(
    scorer: SoftClusterScorer, groups_k: Tensor, masses_k: Tensor
) -> SoftClusterScorer:
    """One cluster per group, its centre the direction of the mean of theirs, weighted by mass.

    Parameters
    ----------
    groups_k: group of each cluster, every number from 0 up to the largest at least once
    masses_k: weights, such as `ClusterStatistics.masses_k`

    Raises DataError when a group is empty, or when its centres cancel.
    """
    centres_kd = scorer.centres.centres_kd
    groups_k = groups_k.to(centres_kd.device)
    n_groups = int(groups_k.max()) + 1
    gaps = int(groups_k.min()) < 0 or not bool(torch.bincount(groups_k).all())
    if len(groups_k) != len(centres_kd) or gaps:
        raise DataError(
            f"the {len(centres_kd)} clusters need a group each, numbered from 0 without gaps, got "
            f"{len(groups_k)} from {int(groups_k.min())} to {n_groups - 1}"
        )
    weighted_kd = centres_kd.double() * masses_k.to(centres_kd.device).double()[:, None]
    sums_gd = weighted_kd.new_zeros(n_groups, centres_kd.shape[1])
    sums_gd.index_add_(0, groups_k, weighted_kd)
    if not sums_gd.any(dim=1).all():
        raise DataError("the centres of a group have no mass, or cancel: leave them apart")
    return _with_centres(scorer, normalized(sums_gd, sums_gd.float()))


@torch.no_grad()
def split_cluster(
    scorer: SoftClusterScorer, cluster: int, sample_nd: Tensor, seed: int = 0
) -> SoftClusterScorer:
    """Replace `cluster` by two: the first takes its place, the second comes last.

    They are the two spherical k-means centres of those rows of the sample [N, D] whose largest
    membership it is. Raises DataError when there is no such cluster, or no two different rows.
    Dhillon & Modha, Concept decompositions for large sparse text data, Machine Learning 42 (2001).
    """
    if not 0 <= cluster < scorer.n_prototypes:
        raise DataError(f"cluster must be from 0 to {scorer.n_prototypes - 1}, got {cluster}")
    _, clusters_nj = scorer.sparse(sample_nd)
    rows_nd, directed_n = directions(sample_nd, scorer.shift_d)
    rows_nd = rows_nd[directed_n & (clusters_nj[:, 0] == cluster)]
    if len(rows_nd) < 2 or bool((rows_nd == rows_nd[0]).all()):
        raise DataError(
            f"cluster {cluster} has no two different rows in a sample of {len(sample_nd)}: "
            "take a larger one"
        )
    generator = torch.Generator().manual_seed(seed)
    halves_2d = greedy_kmeans_plus_plus(rows_nd, 2, 4, generator)
    for _ in range(SPLIT_STEPS):
        second_n = rows_nd @ halves_2d[1] > rows_nd @ halves_2d[0]
        sides = (rows_nd[~second_n].double().sum(dim=0), rows_nd[second_n].double().sum(dim=0))
        halves_2d = normalized(torch.stack(sides), halves_2d)
    centres_kd = torch.cat([scorer.centres.centres_kd, halves_2d[1:]])
    centres_kd[cluster] = halves_2d[0]
    return _with_centres(scorer, centres_kd)


def _with_centres(scorer: SoftClusterScorer, centres_kd: Tensor) -> SoftClusterScorer:
    return attrs.evolve(
        scorer,
        centres=Centres(centres_kd, scorer.centres.temperature),
        members=min(scorer.members, len(centres_kd)),
    )
