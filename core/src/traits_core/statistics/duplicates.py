"""How many rows are equal to another, in bounded memory: 64-bit hashes, thinned out when too many."""

from __future__ import annotations

from typing import Final, Self

import attrs
import numpy as np
import xxhash
from numpy.typing import NDArray
from torch import Tensor

CAPACITY: Final = 1 << 20
"""Different rows up to which the count is exact (but for one chance in 10^7 of a false match)."""


def hash_rows(rows_nd: Tensor) -> NDArray[np.uint64]:
    """xxh3_64 of the bytes of each float32 row [N, D]: rows that differ in a bit differ here."""
    bytes_nb = rows_nd.cpu().float().contiguous().numpy().view(np.uint8)
    return np.fromiter(map(xxhash.xxh3_64_intdigest, bytes_nb), np.uint64, len(bytes_nb))


@attrs.frozen(kw_only=True, eq=False)
class RowHashes:
    """How often each different row occurs; two merge into those of all their rows.

    When there are more than 2^20 hashes, only those below 2^(64 - level) are kept, with the least
    level for which they fit: a sample of the different rows at a rate of 2^-level, each with its
    true number of occurrences. Which are kept does not depend on the order of merging.

    Gibbons, Distinct sampling for highly-accurate answers to distinct values queries, VLDB 2001.

    Parameters
    ----------
    hashes_h: ascending
    counts_h: rows with each hash, int64
    level: 0 while the count is exact
    """

    hashes_h: NDArray[np.uint64]
    counts_h: NDArray[np.int64]
    level: int = 0

    @classmethod
    def of(cls, hashes_n: NDArray[np.uint64]) -> Self:
        """Those of some rows, given by their hashes [N]."""
        hashes_h, counts_h = np.unique(hashes_n, return_counts=True)
        return cls(hashes_h=hashes_h, counts_h=counts_h)._thinned(0)

    def merge(self, other: Self) -> Self:
        """Those of the rows of both."""
        hashes_h, places = np.unique(
            np.concatenate([self.hashes_h, other.hashes_h]), return_inverse=True
        )
        counts_h = np.zeros(len(hashes_h), np.int64)
        np.add.at(counts_h, places, np.concatenate([self.counts_h, other.counts_h]))
        both = attrs.evolve(self, hashes_h=hashes_h, counts_h=counts_h)
        return both._thinned(max(self.level, other.level))

    def _thinned(self, level: int) -> Self:
        """Keep the hashes of `level`, or of the first level after it at which they fit."""

        def kept(level: int) -> int:
            last = np.uint64((1 << (64 - level)) - 1)
            return int(np.searchsorted(self.hashes_h, last, side="right"))

        while kept(level) > CAPACITY:
            level += 1
        end = kept(level)
        return attrs.evolve(
            self, hashes_h=self.hashes_h[:end], counts_h=self.counts_h[:end], level=level
        )

    @property
    def n_duplicates(self) -> int:
        """Rows that equal an earlier one; an estimate when `level` is not 0."""
        return int(self.counts_h.sum() - len(self.counts_h)) << self.level

    @property
    def most_repeated(self) -> int:
        """Occurrences of the most frequent row among those kept."""
        return int(self.counts_h.max(initial=0))
