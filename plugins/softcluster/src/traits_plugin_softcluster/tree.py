"""The hierarchy of clusters: an agglomerative tree of their centres."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from torch import Tensor

from traits_core import DataError


def centre_tree(centres_kd: Tensor) -> NDArray[np.float64]:
    """Join unit centres [K, D], the nearest first, by the mean distance 1 - cosine between groups.

    Returns the linkage [K - 1, 4] that `scipy.cluster.hierarchy` draws and cuts: the two groups
    joined, their distance, and how many centres they have. Memory: K x K float64.

    Sokal & Michener, A statistical method for evaluating systematic relationships (1958): UPGMA.
    """
    if len(centres_kd) < 2:
        raise DataError("a tree needs at least two centres")
    rows_kd = centres_kd.double().cpu().numpy()
    distances_kk = (1 - rows_kd @ rows_kd.T).clip(0)
    np.fill_diagonal(distances_kk, 0)
    tree: NDArray[np.float64] = linkage(squareform(distances_kk, checks=False), method="average")
    return tree


def cut_tree(tree: NDArray[np.float64], n_groups: int) -> Tensor:
    """The group [K], counted from 0, of each centre when the tree is cut into `n_groups` at most."""
    labels_k = fcluster(tree, n_groups, criterion="maxclust")
    return torch.from_numpy(labels_k.astype(np.int64) - 1)
