"""Exact average precision of every (prototype, trait) pair: one sort per prototype serves all traits."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traits_core.errors import DataError
from traits_core.probing.positives import Positives
from traits_core.probing.ranks import Sorted, ap_of_positives, count_at_least, fill_by_numpy

Kernel = Callable[[NDArray[np.float64], Sorted, Positives], None]
"""Writes AP [prototypes, traits] of sorted prototypes; traits without a positive may stay as they are."""

BATCH_SCORES = 1 << 19
"""Scores that a thread sorts at a time: enough for numpy to work in long loops beside other threads."""

WORTH_COMPILING = 1 << 29
"""Prototypes x positive labels from which on a compiled kernel saves more than it takes to load."""


def kernel_for(work: int) -> Kernel:
    """Choose by prototypes x positive labels in all: numpy, or compiled code if numba is installed.

    They agree to 1e-12.
    """
    if work >= WORTH_COMPILING:
        try:
            from traits_core.probing.compiled import fill_compiled
        except (ImportError, RuntimeError):  # not installed, or nowhere to keep machine code
            return fill_by_numpy
        return fill_compiled
    return fill_by_numpy


def average_precision(
    scores_nk: NDArray[Any],
    positives: Positives,
    threads: int | None = None,
    kernel: Kernel = fill_by_numpy,
) -> NDArray[np.float64]:
    """Compute AP [prototypes, traits] of a block of scores [examples, prototypes].

    Scores may be infinite. Constant scores give exactly the prevalence; a trait without a positive
    has AP 0, one without a negative 1 (but for rounding). Memory besides the result: in each thread
    some 40 bytes for each of `BATCH_SCORES` scores, or of the examples where these are more.

    Raises DataError for NaN scores and for another number of examples than the labels have.
    """
    _check(scores_nk, positives.n_examples)
    ap_kt = np.zeros((scores_nk.shape[1], positives.n_traits))
    threads = threads or available_threads()
    rows = _rows_at_a_time(positives.n_examples)

    def fill(start: int, stop: int) -> None:
        for first in range(start, stop, rows):
            last = min(first + rows, stop)
            ranked = Sorted.of(np.ascontiguousarray(scores_nk[:, first:last].T))
            kernel(ap_kt[first:last], ranked, positives)

    # numpy's sorts and loops release the interpreter lock; one long task a thread leaves it alone.
    edges = [len(ap_kt) * thread // threads for thread in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, edges[:-1], edges[1:]))
    return ap_kt


def average_precision_pairs(
    scores_nk: NDArray[Any],
    positives: Positives,
    prototypes_c: NDArray[np.intp],
    traits_c: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Compute AP [pairs] of the given (prototype, trait) pairs alone; else as above.

    It also holds the ranks of these prototypes, in half as many bytes as their scores up to 2^16 examples.
    """
    _check(scores_nk, positives.n_examples)
    ap_c = np.zeros(len(prototypes_c))
    sets = {
        trait: examples_p
        for same in positives.by_count
        for trait, examples_p in zip(same.traits_a.tolist(), same.examples_ap, strict=True)
    }
    n = positives.n_examples
    needed, row_c = np.unique(prototypes_c, return_inverse=True)
    if not len(needed):
        return ap_c
    rows = _rows_at_a_time(n)

    def rank(first: int) -> NDArray[Any]:
        some_nk = scores_nk.take(needed[first : first + rows], axis=1)
        return count_at_least(Sorted.of(np.ascontiguousarray(some_nk.T)))

    with ThreadPoolExecutor(available_threads()) as pool:
        at_least_kn = np.concatenate(list(pool.map(rank, range(0, len(needed), rows))))
    # The short steps that are left take three times as long in two threads, which wait for the interpreter.
    by_trait = np.argsort(traits_c, kind="stable")
    for pairs in np.split(by_trait, np.flatnonzero(np.diff(traits_c[by_trait])) + 1):
        examples_p = sets.get(int(traits_c[pairs[0]]))
        if examples_p is not None:
            at_least_cp = at_least_kn[row_c[pairs]].take(examples_p, axis=1)
            ap_c[pairs] = ap_of_positives(at_least_cp, n)
    return ap_c


def available_threads() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _rows_at_a_time(n_examples: int) -> int:
    return max(1, BATCH_SCORES // n_examples)


def _check(scores_nk: NDArray[Any], n_examples: int) -> None:
    if scores_nk.ndim != 2 or len(scores_nk) != n_examples:
        raise DataError(
            f"scores {scores_nk.shape} do not fit labels of {n_examples} examples: "
            "they must be [examples, prototypes]"
        )
    if np.isnan(scores_nk).any():
        example, column = np.argwhere(np.isnan(scores_nk))[0]
        raise DataError(
            f"the score of example {example} in column {column} of this block is NaN: "
            "average precision is not defined; check the scorer and its activations"
        )
