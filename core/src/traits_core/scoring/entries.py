"""Scores between their two forms: all of a row, or the entries that are not 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from traits_core.records import ScoreEntries


def entries_of(scores_bk: NDArray[np.float32]) -> ScoreEntries:
    """The scores [rows, prototypes] that are not 0; NaN is not."""
    nonzero_bk = scores_bk != 0
    offsets = np.zeros(len(scores_bk) + 1, np.int64)
    np.cumsum(np.count_nonzero(nonzero_bk, axis=1), out=offsets[1:])
    prototypes = np.nonzero(nonzero_bk)[1].astype(np.int32)
    return ScoreEntries(
        offsets=offsets,
        prototypes=prototypes,
        values=scores_bk[nonzero_bk].astype(np.float32, copy=False),
    )


def block_of(entries: ScoreEntries, start: int, stop: int) -> NDArray[np.float32]:
    """Scores [rows, stop - start] of prototypes [start, stop), zeros included."""
    n_rows = len(entries.offsets) - 1
    block_nk = np.zeros((n_rows, stop - start), np.float32)
    wanted = (entries.prototypes >= start) & (entries.prototypes < stop)
    rows = np.repeat(np.arange(n_rows), np.diff(entries.offsets))[wanted]
    block_nk[rows, entries.prototypes[wanted] - start] = entries.values[wanted]
    return block_nk


def rows_of(entries: ScoreEntries, chosen_b: NDArray[np.intp]) -> ScoreEntries:
    """The entries of some rows, in the order in which they are chosen."""
    counts = np.diff(entries.offsets)[chosen_b]
    offsets = np.append(0, np.cumsum(counts)).astype(np.int64)
    places = np.arange(offsets[-1]) + np.repeat(entries.offsets[chosen_b] - offsets[:-1], counts)
    return ScoreEntries(
        offsets=offsets, prototypes=entries.prototypes[places], values=entries.values[places]
    )
