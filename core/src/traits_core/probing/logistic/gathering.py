"""Passes over the rows of a matrix of scores, dense or sparse: its statistics, and columns of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from traits_core.probing.ap import available_threads
from traits_core.probing.logistic.bins import Bins
from traits_core.probing.logistic.spread import Spread
from traits_core.probing.logistic.statistics import Statistics
from traits_core.protocols import ScoreMatrix
from traits_core.records import ScoreEntries

Piece = NDArray[np.float32] | ScoreEntries
"""Some rows of scores, in the form that the matrix is read in."""


class _Sums(Protocol):
    def merge(self, other: Self) -> None: ...


S = TypeVar("S", bound=_Sums)


def statistics_of(
    scores: ScoreMatrix, labels_nc: NDArray[np.bool_], bits: int, batch_rows: int
) -> Statistics:
    """Lay bins in a first pass over the rows, and count in a second one.

    Memory, in each thread: 24 bytes a prototype and bin, 8 a prototype and class, a batch of rows.
    Raises DataError for NaN scores.
    """

    def spread(sums: Spread, piece: Piece, rows: slice) -> None:
        if isinstance(piece, ScoreEntries):
            sums.accumulate_sparse(piece)
        else:
            sums.accumulate_dense(piece)

    def count(sums: Statistics, piece: Piece, rows: slice) -> None:
        if isinstance(piece, ScoreEntries):
            sums.accumulate_sparse(piece, labels_nc[rows])
        else:
            sums.accumulate_dense(piece, labels_nc[rows])

    def no_scores() -> Spread:
        return Spread.zeros(scores.n_prototypes)

    bins = Bins.of(_summed(scores, batch_rows, no_scores, spread), bits)

    def no_rows() -> Statistics:
        return Statistics.zeros(bins, labels_nc.shape[1])

    return _summed(scores, batch_rows, no_rows, count)


def columns_of(
    scores: ScoreMatrix, prototypes_a: NDArray[np.intp], batch_rows: int
) -> NDArray[np.float32]:
    """Scores [rows, len(prototypes_a)] of some prototypes, of which any may be asked for twice."""
    distinct_d, place_a = np.unique(prototypes_a, return_inverse=True)
    columns_nd = np.zeros((scores.n_examples, len(distinct_d)), np.float32)
    for rows, piece in _pieces(scores, batch_rows):
        if isinstance(piece, ScoreEntries):
            place_e = np.searchsorted(distinct_d, piece.prototypes)
            place_e[place_e == len(distinct_d)] = 0
            wanted_e = distinct_d[place_e] == piece.prototypes
            row_e = rows.start + np.repeat(
                np.arange(len(piece.offsets) - 1), np.diff(piece.offsets)
            )
            columns_nd[row_e[wanted_e], place_e[wanted_e]] = piece.values[wanted_e]
        else:
            columns_nd[rows] = piece[:, distinct_d]
    return columns_nd[:, place_a]


def _pieces(
    scores: ScoreMatrix, batch_rows: int, first: int = 0, every: int = 1
) -> Iterator[tuple[slice, Piece]]:
    """Every so-manieth batch of rows from the first on."""
    n = scores.n_examples
    read = scores.entries if scores.format == "sparse" else scores.rows
    for start in range(first * batch_rows, n, every * batch_rows):
        stop = min(start + batch_rows, n)
        yield slice(start, stop), read(start, stop)


def _summed(
    scores: ScoreMatrix,
    batch_rows: int,
    zeros: Callable[[], S],
    add: Callable[[S, Piece, slice], None],
) -> S:
    """Each thread sums every so-manieth batch, as a shard; then shards are merged."""
    threads = min(available_threads(), -(-scores.n_examples // batch_rows))
    reading = Lock()  # stores promise nothing about being read by two threads

    def work(thread: int) -> S:
        sums, pieces = zeros(), _pieces(scores, batch_rows, thread, threads)
        while True:
            with reading:
                found = next(pieces, None)
            if found is None:
                return sums
            rows, piece = found
            add(sums, piece, rows)

    with ThreadPoolExecutor(threads) as pool:
        merged, *others = pool.map(work, range(threads))
    for shard in others:
        merged.merge(shard)
    return merged
