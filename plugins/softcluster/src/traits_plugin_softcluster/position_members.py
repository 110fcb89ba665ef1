"""Memberships of the positions of some whole sequences, and what stands around a position."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
from numpy.typing import NDArray

OUTSIDE: Final = -1
"""The token id of places before and behind a sequence."""


@attrs.frozen(eq=False)
class PositionMembers:
    """Sparse memberships of all positions of a block of sequences.

    Parameters
    ----------
    chunk, start: chunk that they come from, and the index of the first of them in it
    tokens_bs: token ids, int64
    values_bsj: memberships, float32; 0 for none
    clusters_bsj: whose they are, int64, each at most once per position
    """

    chunk: int
    start: int
    tokens_bs: NDArray[np.int64]
    values_bsj: NDArray[np.float32]
    clusters_bsj: NDArray[np.int64]

    def around(
        self,
        sequences_e: NDArray[np.int64],
        positions_e: NDArray[np.int64],
        clusters_e: NDArray[np.int64],
        window: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Token ids, and memberships in `clusters_e`, from `window` positions before to as many after.

        Both are [E, 2 window + 1]; beyond the ends of a sequence they are -1 and 0.
        """
        length = self.tokens_bs.shape[1]
        shape = (len(sequences_e), 2 * window + 1)
        tokens_ew = np.full(shape, OUTSIDE, np.int64)
        context_ew = np.zeros(shape, np.float32)
        for w in range(shape[1]):
            beside_e = positions_e + (w - window)
            (inside_i,) = ((beside_e >= 0) & (beside_e < length)).nonzero()
            where = sequences_e[inside_i], beside_e[inside_i]
            tokens_ew[inside_i, w] = self.tokens_bs[where]
            same_ij = self.clusters_bsj[where] == clusters_e[inside_i, None]
            context_ew[inside_i, w] = (self.values_bsj[where] * same_ij).sum(axis=1)
        return tokens_ew, context_ew

    def coordinates(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """(sequence in the chunk, position, cluster) of each membership above 0, ascending; its value."""
        sequences_e, positions_e, _ = places = self.values_bsj.nonzero()
        clusters_e = self.clusters_bsj[places]
        order_e = np.lexsort((clusters_e, positions_e, sequences_e))
        indices_e3 = np.stack([sequences_e + self.start, positions_e, clusters_e], axis=1)
        return indices_e3[order_e], self.values_bsj[places][order_e]
