"""Which tokens the clusters are made of."""

from __future__ import annotations

from typing import Self

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from traits_plugin_softcluster.position_members import OUTSIDE, PositionMembers


@attrs.frozen(eq=False)
class TokenMasses:
    """Sums of memberships for each cluster and token id that occur together; they add up.

    Memory: 12 bytes for each such pair, of which there are at most `top_m` for each position.

    Parameters
    ----------
    masses_kv: float64 [K, largest token id + 1], sparse
    """

    masses_kv: csr_array

    @classmethod
    def empty(cls, n_clusters: int) -> Self:
        """The masses of no tokens."""
        return cls(csr_array((n_clusters, 1), dtype=np.float64))

    def plus(self, members: PositionMembers) -> Self:
        """These and those of a block of positions."""
        n_clusters, n_tokens = self.masses_kv.shape
        member_bsj = members.values_bsj > 0
        tokens_bsj = np.broadcast_to(members.tokens_bs[..., None], member_bsj.shape)
        pairs = members.clusters_bsj[member_bsj], tokens_bsj[member_bsj]
        n_tokens = max(n_tokens, int(pairs[1].max(initial=0)) + 1)
        values_e = members.values_bsj[member_bsj].astype(np.float64)
        added_kv = csr_array((values_e, pairs), shape=(n_clusters, n_tokens))
        kept = self.masses_kv
        widened_kv = csr_array((kept.data, kept.indices, kept.indptr), shape=added_kv.shape)
        return type(self)(widened_kv + added_kv)

    def largest(self, n: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The `n` token ids [K, n] with the largest part of each cluster's mass, and these parts.

        Largest first; where a cluster has fewer tokens, -1 and 0.
        """
        masses = self.masses_kv
        n_clusters = masses.shape[0]
        clusters_e = np.repeat(np.arange(n_clusters), np.diff(masses.indptr))
        order_e = np.lexsort((-masses.data, clusters_e))  # clusters stay where they are
        ranks_e = np.arange(masses.nnz) - masses.indptr[clusters_e]
        first_e = ranks_e < n
        places = clusters_e[first_e], ranks_e[first_e]
        tokens_kn = np.full((n_clusters, n), OUTSIDE, np.int64)
        parts_kn = np.zeros((n_clusters, n), np.float64)
        tokens_kn[places] = masses.indices[order_e][first_e]
        parts_kn[places] = masses.data[order_e][first_e] / masses.sum(axis=1)[places[0]]
        return tokens_kn, parts_kn
