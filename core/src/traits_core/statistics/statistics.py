"""All statistics of one array of a store, or of a part of its rows; parts merge in any order."""

from __future__ import annotations

import hashlib
from typing import Self

import attrs

from traits_core.config.structure import unstructure
from traits_core.errors import StoreError
from traits_core.records import FeatureSpec
from traits_core.statistics.duplicates import RowHashes
from traits_core.statistics.moments import Moments
from traits_core.statistics.norms import Norms
from traits_core.statistics.positions import PositionNorms

Parts = tuple[tuple[int, int], ...]


@attrs.frozen(kw_only=True)
class Subject:
    """What the statistics are of.

    Parameters
    ----------
    store: digest of the store
    array: name of the array
    feature: what an activation is
    dataset, split: where the examples come from
    rows: rows of the store
    positions: rows per example
    """

    store: str
    array: str
    feature: FeatureSpec
    dataset: str
    split: str
    rows: int
    positions: int


@attrs.frozen(kw_only=True, eq=False)
class Statistics:
    """Statistics of the rows `parts`: ascending ranges [start, stop) that do not touch."""

    subject: Subject
    parts: Parts
    moments: Moments
    norms: Norms
    positions: PositionNorms
    duplicates: RowHashes

    def merge(self, other: Self) -> Self:
        """The statistics of the rows of both.

        Raises StoreError when they are not of the same array, or have rows in common.
        """
        if self.subject != other.subject:
            raise StoreError(
                f"statistics of {other.subject.array!r} in store {other.subject.store[:12]} cannot "
                f"be merged with those of {self.subject.array!r} in {self.subject.store[:12]}"
            )
        return attrs.evolve(
            self,
            parts=_union(self.parts, other.parts),
            moments=self.moments.merge(other.moments),
            norms=self.norms.merge(other.norms),
            positions=self.positions.merge(other.positions),
            duplicates=self.duplicates.merge(other.duplicates),
        )

    @property
    def complete(self) -> bool:
        """True when they are of all rows."""
        return self.parts == ((0, self.subject.rows),)

    @property
    def digest(self) -> str:
        """Names subject, rows, mean, spread and range; the rest follows from the same rows."""
        digest = hashlib.sha256(repr((unstructure(self.subject), self.parts)).encode())
        moments = self.moments
        for tensor_d in (moments.mean_d, moments.squares_d, moments.min_d, moments.max_d):
            digest.update(tensor_d.cpu().numpy().tobytes())
        return digest.hexdigest()


def _union(first: Parts, second: Parts) -> Parts:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted((*first, *second)):
        if merged and start < merged[-1][1]:
            raise StoreError(
                f"rows {start} to {min(stop, merged[-1][1])} would be counted twice: "
                "merge statistics of different rows"
            )
        if merged and start == merged[-1][1]:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    return tuple(merged)
