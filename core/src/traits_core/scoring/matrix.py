"""Pooled scores on disk, as probes read them: all examples, a block of prototypes at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

from traits_core.records import ScoreEntries
from traits_core.scoring.entries import entries_of
from traits_core.stores.reader import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@attrs.frozen
class StoredScores:
    """The `ScoreMatrix` of one scorer in a score store. Memory: one block."""

    store: Store
    name: str

    @property
    def format(self) -> Literal["dense", "sparse"]:
        """All scores are kept."""
        return "dense"

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
        rows_bk: NDArray[np.float32] = self.store.read(self.name, start, stop).float().numpy()
        return rows_bk

    def entries(self, start: int, stop: int) -> ScoreEntries:
        """The scores of rows [start, stop) that are not 0."""
        return entries_of(self.rows(start, stop))

    def block(self, start: int, stop: int) -> NDArray[np.float32]:
        """Scores [examples, stop - start] of prototypes [start, stop)."""
        scores_nk = self.store.read(self.name, 0, self.n_examples, columns=slice(start, stop))
        block: NDArray[np.float32] = scores_nk.float().numpy()
        return block
