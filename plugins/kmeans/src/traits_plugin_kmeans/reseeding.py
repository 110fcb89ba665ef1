"""Which clusters starve, and where they go."""

from __future__ import annotations

from typing import Final

from torch import Tensor

from traits_core import Comm, FarRows
from traits_plugin_kmeans.codebook import Codebook
from traits_plugin_kmeans.frame import Frame

TOWARDS_FAR: Final = 0.3  # of the way from a centroid to a far row


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


def places_beside(
    codebook: Codebook, frame: Frame, rows_bd: Tensor, labels_b: Tensor
) -> tuple[Tensor, Tensor]:
    """Places [B, D] near the centroids of rows [B, D], on the way to them; and the squared ways [B].

    A row has noise in every dimension: most rows of its cluster are nearer to their centroid, and a
    cluster that moves there gets few of them. A place beside the centroid gets many more.
    """
    own_bd = codebook.centroids_kd.index_select(0, labels_b)
    distances_b = (rows_bd - own_bd).square_().sum(dim=1)
    return frame.centroids(own_bd.lerp_(rows_bd, TOWARDS_FAR)), distances_b
