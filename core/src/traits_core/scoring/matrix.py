"""Pooled scores on disk, as probes read them: all examples, a block of prototypes at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

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
    def n_examples(self) -> int:
        """Rows of the store."""
        return self.store.header.rows

    @property
    def n_prototypes(self) -> int:
        """Columns of this scorer's array."""
        return self.store.array(self.name).columns

    def block(self, start: int, stop: int) -> NDArray[np.float32]:
        """Scores [examples, stop - start] of prototypes [start, stop)."""
        scores_nk = self.store.read(self.name, 0, self.n_examples, columns=slice(start, stop))
        block: NDArray[np.float32] = scores_nk.float().numpy()
        return block
