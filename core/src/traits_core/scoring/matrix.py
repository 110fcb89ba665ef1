"""Scores on disk, as probes read them: all scores of some rows, or all rows of some prototypes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import attrs
import numpy as np

from traits_core.errors import StoreError
from traits_core.protocols import ScoreMatrix
from traits_core.records import ScoreEntries
from traits_core.scoring.entries import block_of, entries_of
from traits_core.scoring.keeping import PROTOTYPES, VALUES
from traits_core.stores.reader import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray


@attrs.frozen
class StoredScores:
    """The `ScoreMatrix` of a scorer whose rows have full length. Memory: what is asked for."""

    store: Store
    name: str

    @property
    def format(self) -> Literal["dense", "sparse"]:
        """`sparse` when scores below a threshold were set to 0."""
        return "sparse" if self.store.header.kept else "dense"

    @property
    def n_examples(self) -> int:
        """Rows of the store."""
        return self.store.header.rows

    @property
    def n_prototypes(self) -> int:
        """Columns of this scorer's array."""
        return self.store.array(self.name).columns

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """Scores [stop - start, prototypes] of rows [start, stop)."""
        scores_bk: NDArray[np.float32] = self.store.read(self.name, start, stop).float().numpy()
        return scores_bk

    def entries(self, start: int, stop: int) -> ScoreEntries:
        """The scores of rows [start, stop) that are not 0."""
        return entries_of(self.rows(start, stop))

    def block(self, start: int, stop: int) -> NDArray[np.float32]:
        """Scores [rows, stop - start] of prototypes [start, stop)."""
        scores_nk = self.store.read(self.name, 0, self.n_examples, columns=slice(start, stop))
        block_nk: NDArray[np.float32] = scores_nk.float().numpy()
        return block_nk


@attrs.frozen
class StoredTopK:
    """The `ScoreMatrix` of a scorer of which a row has the largest scores, and whose they are.

    Memory: what is asked for, and one chunk of rows.
    """

    store: Store
    name: str
    n_prototypes: int

    @property
    def format(self) -> Literal["dense", "sparse"]:
        """Most scores are 0."""
        return "sparse"

    @property
    def n_examples(self) -> int:
        """Rows of the store."""
        return self.store.header.rows

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """Scores [stop - start, prototypes] of rows [start, stop), zeros included."""
        return block_of(self.entries(start, stop), 0, self.n_prototypes)

    def entries(self, start: int, stop: int) -> ScoreEntries:
        """The scores of rows [start, stop) that are not 0, the largest of a row first.

        Raises StoreError when a prototype is no number from 0 to `n_prototypes`.
        """
        values_bj, whose_bj = (
            self.store.read(self.name + part, start, stop).float().numpy()
            for part in (VALUES, PROTOTYPES)
        )
        entries = entries_of(values_bj)
        whose = whose_bj[values_bj != 0]
        prototypes = whose.astype(np.int32)
        if not (np.array_equal(prototypes, whose) and _within(prototypes, self.n_prototypes)):
            raise StoreError(
                f"{self.store.root}: the prototypes of {self.name!r} in rows {start} to {stop} are "
                f"not all whole numbers below {self.n_prototypes}: write the store again"
            )
        return attrs.evolve(entries, prototypes=prototypes)

    def block(self, start: int, stop: int) -> NDArray[np.float32]:
        """Scores [rows, stop - start] of prototypes [start, stop); reads all that the store has."""
        block_nk = np.empty((self.n_examples, stop - start), np.float32)
        size = self.store.header.chunk_rows
        for first in range(0, self.n_examples, size):
            last = min(first + size, self.n_examples)
            block_nk[first:last] = block_of(self.entries(first, last), start, stop)
        return block_nk


def open_scores(store: Store) -> Mapping[str, ScoreMatrix]:
    """What a store of scores has, by the name of the scorer."""
    kept = store.header.kept
    names = [array.name for array in store.header.arrays]
    if kept is None or kept.form != "top-k":
        return {name: StoredScores(store, name) for name in names}
    scorers = [name.removesuffix(VALUES) for name in names if name.endswith(VALUES)]
    return {name: StoredTopK(store, name, kept.n_prototypes) for name in scorers}


def _within(prototypes: NDArray[np.int32], n: int) -> bool:
    return not len(prototypes) or bool(prototypes.min() >= 0 and prototypes.max() < n)
