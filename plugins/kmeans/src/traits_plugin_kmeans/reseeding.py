"""Which clusters starve, and where they go."""

from __future__ import annotations

from torch import Tensor

from traits_core import Comm, FarRows


def reseed(
    centroids_kd: Tensor, counts_k: Tensor, least: float, far: FarRows, comm: Comm
) -> Tensor:
    """Move clusters that are empty or have fewer than `least` rows to far rows; returns which moved.

    The emptiest go first, as long as there are far rows. `centroids_kd` is changed in place, in all
    processes alike.
    """
    n_starving = int(((counts_k == 0) | (counts_k < least)).sum())
    rows_nd = far.earliest(n_starving, comm)
    moved_m = counts_k.argsort(stable=True)[: len(rows_nd)]
    centroids_kd[moved_m] = rows_nd
    return moved_m
