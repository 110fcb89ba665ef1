"""Which tokens the clusters are made of."""

from __future__ import annotations

from typing import Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_plugin_softcluster.position_members import OUTSIDE, PositionMembers
from traits_plugin_softcluster.ranks import ranks_within


@attrs.frozen(eq=False)
class TokenMasses:
    """Sums of memberships for each cluster and token id that occur together; they add up.

    Memory: 24 bytes for each such pair, of which there are at most `top_m` for each position.

    Parameters
    ----------
    clusters_e, tokens_e: int64, in ascending order of (cluster, token id), each pair once
    masses_e: float64
    """

    clusters_e: NDArray[np.int64]
    tokens_e: NDArray[np.int64]
    masses_e: NDArray[np.float64]

    @classmethod
    def empty(cls) -> Self:
        """The masses of no tokens."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))

    def plus(self, members: PositionMembers) -> Self:
        """These and those of a block of positions."""
        member_bsj = members.values_bsj > 0
        tokens_bsj = np.broadcast_to(members.tokens_bs[..., None], member_bsj.shape)
        clusters_e = np.concatenate([self.clusters_e, members.clusters_bsj[member_bsj]])
        tokens_e = np.concatenate([self.tokens_e, tokens_bsj[member_bsj]])
        masses_e = np.concatenate([self.masses_e, members.values_bsj[member_bsj]])
        order_e = np.lexsort((tokens_e, clusters_e))
        clusters_e, tokens_e = clusters_e[order_e], tokens_e[order_e]
        new_e = np.ones(len(order_e), np.bool_)
        new_e[1:] = (np.diff(clusters_e) != 0) | (np.diff(tokens_e) != 0)
        (firsts_p,) = new_e.nonzero()
        if not len(firsts_p):
            return self
        sums_p = np.add.reduceat(masses_e[order_e], firsts_p)
        return type(self)(clusters_e[firsts_p], tokens_e[firsts_p], sums_p)

    def largest(self, n_clusters: int, n: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The `n` token ids [K, n] with the largest part of each cluster's mass, and these parts.

        Largest first; where a cluster has fewer tokens, -1 and 0.
        """
        order_e = np.lexsort((-self.masses_e, self.clusters_e))
        ranks_e = ranks_within(self.clusters_e[order_e])
        order_e, ranks_e = order_e[ranks_e < n], ranks_e[ranks_e < n]
        places = self.clusters_e[order_e], ranks_e
        totals_k = np.bincount(self.clusters_e, self.masses_e, n_clusters)
        tokens_kn = np.full((n_clusters, n), OUTSIDE, np.int64)
        parts_kn = np.zeros((n_clusters, n), np.float64)
        tokens_kn[places] = self.tokens_e[order_e]
        parts_kn[places] = self.masses_e[order_e] / totals_k[places[0]]
        return tokens_kn, parts_kn
