"""Exact average precision of every (prototype, trait) pair: one sort per prototype serves all traits.

With `e_i` the number of scores >= the score of example i, and `tp(e_i)` the positives among these,
AP is the mean of `tp(e_i) / e_i` over the positive examples i. That is scikit-learn's step-wise
AP: equal scores are one threshold, so the order of the rows never matters.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import DataError


@attrs.frozen(kw_only=True, eq=False)
class Positives:
    """The positive (example, trait) pairs of a label matrix, trait by trait, ready for the kernel.

    Axis `p` counts pairs, axis `a` the traits that have any. It takes 20 to 24 bytes a pair.

    Parameters
    ----------
    n_examples, n_traits: shape of the labels
    traits_a: column of each trait
    starts_a: where its pairs start
    counts_a: how many it has
    examples_p: row of each pair
    keys_p: ordinal of the pair's trait, shifted left by `bits`
    hits_p: 1, 2, 3, ... within each trait
    bits: enough to hold `n_examples`
    """

    n_examples: int
    n_traits: int
    traits_a: NDArray[np.intp]
    starts_a: NDArray[np.intp]
    counts_a: NDArray[np.intp]
    examples_p: NDArray[np.intp]
    keys_p: NDArray[Any]
    hits_p: NDArray[np.float64]
    bits: int

    @classmethod
    def of(cls, labels_nt: NDArray[np.bool_]) -> Self:
        """Index boolean labels [examples, traits]. Raises DataError when there are no examples."""
        if labels_nt.ndim != 2 or labels_nt.dtype != bool or not len(labels_nt):
            raise DataError(
                "average precision needs boolean labels [examples, traits] of one example or more, "
                f"got {labels_nt.dtype} {labels_nt.shape}"
            )
        columns_p, examples_p = np.nonzero(np.ascontiguousarray(labels_nt.T))
        traits_a, starts_a, counts_a = np.unique(columns_p, return_index=True, return_counts=True)
        bits = len(labels_nt).bit_length()
        # Half as wide keys sort twice as fast.
        key = np.dtype(np.uint32 if len(traits_a) << bits < 1 << 32 else np.uint64)
        firsts_p = np.repeat(starts_a, counts_a)
        return cls(
            n_examples=len(labels_nt),
            n_traits=labels_nt.shape[1],
            traits_a=traits_a,
            starts_a=starts_a,
            counts_a=counts_a,
            examples_p=examples_p,
            keys_p=np.repeat(np.arange(len(traits_a), dtype=key) << key.type(bits), counts_a),
            hits_p=np.arange(1, len(examples_p) + 1, dtype=np.float64) - firsts_p,
            bits=bits,
        )


def average_precision(
    scores_nk: NDArray[Any], positives: Positives, threads: int | None = None
) -> NDArray[np.float64]:
    """Compute AP [prototypes, traits] of a block of scores [examples, prototypes].

    Scores may be infinite. Constant scores give exactly the prevalence; a trait without a positive
    has AP 0, one without a negative 1 (but for rounding). Memory besides the result: one transposed
    copy of the scores, and 40 bytes a positive pair and thread.

    Raises DataError for NaN scores and for another number of examples than the labels have.
    """
    _check(scores_nk, positives.n_examples)
    scores_kn = np.ascontiguousarray(scores_nk.T)
    ap_kt = np.zeros((len(scores_kn), positives.n_traits))
    threads = threads or available_threads()
    # numpy's sorts and loops release the interpreter lock; one long task a thread leaves it alone.
    with ThreadPoolExecutor(threads) as pool:
        tasks = [
            pool.submit(_fill, ap_kt[thread::threads], scores_kn[thread::threads], positives)
            for thread in range(threads)
        ]
        for task in tasks:
            task.result()
    return ap_kt


def average_precision_pairs(
    scores_nt: NDArray[Any], labels_nt: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Compute AP [traits] of column t of the scores for column t of the labels; else as above."""
    _check(scores_nt, len(labels_nt))
    ap_t = np.zeros(labels_nt.shape[1])
    for t in range(len(ap_t)):
        _fill(ap_t[t, None, None], scores_nt[None, :, t], Positives.of(labels_nt[:, [t]]))
    return ap_t


def available_threads() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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


def _fill(ap_kt: NDArray[np.float64], scores_kn: NDArray[Any], positives: Positives) -> None:
    if len(positives.traits_a):
        for ap_t, scores_n in zip(ap_kt, scores_kn, strict=True):
            ap_t[positives.traits_a] = _average_precision(scores_n, positives)


def _average_precision(scores_n: NDArray[Any], positives: Positives) -> NDArray[np.float64]:
    at_least_n = _count_at_least(scores_n, positives.keys_p.dtype)
    keys_p = positives.keys_p + at_least_n[positives.examples_p]
    keys_p.sort()  # by trait, then by threshold
    at_least_p = keys_p & keys_p.dtype.type((1 << positives.bits) - 1)
    precision_p = positives.hits_p / at_least_p
    return np.add.reduceat(precision_p * _recall_steps(keys_p, positives), positives.starts_a)


def _recall_steps(keys_p: NDArray[Any], positives: Positives) -> NDArray[np.float64]:
    """Recall gained at each pair. The last of tied pairs gains for all: its hits are the tie's."""
    recall_p = np.repeat(1.0 / positives.counts_a, positives.counts_a)
    tied = np.flatnonzero(keys_p[1:] == keys_p[:-1])  # pairs with an equal one behind them
    if len(tied):
        stops = np.flatnonzero(np.append(np.diff(tied) != 1, True))
        sizes = np.diff(stops, prepend=-1) + 1
        last = tied[stops] + 1
        recall_p[tied] = 0.0
        recall_p[last] = sizes / positives.counts_a[keys_p[last] >> positives.bits]
    return recall_p


def _count_at_least(scores_n: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """For each example, how many scores are at least its own."""
    order = np.argsort(scores_n)
    ascending_n = scores_n[order]
    below_n = np.arange(len(order), dtype=dtype)
    below_n[1:][ascending_n[1:] == ascending_n[:-1]] = 0
    np.maximum.accumulate(below_n, out=below_n)  # index of the first of equal scores
    at_least_n = np.empty_like(below_n)
    at_least_n[order] = dtype.type(len(order)) - below_n
    return at_least_n
