"""How far a mean AP would move with another draw of test images, by drawing some: bootstrap intervals.

Resamples repeat images, which biases AP upward: a percentile interval inherits that bias, a BCa interval
corrects it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from traits_core.errors import DataError
from traits_core.probing.ap import available_threads
from traits_core.probing.intervals import NORMAL_975, map_and_influence

TILE: Final = 1 << 23
"""Weights (resamples x examples) that a thread gathers at a time: 32 MiB."""

MIN_RESAMPLES: Final = 200
"""Fewer leave an end of the interval to a handful of resamples."""


def bca_interval(
    scores_nt: NDArray[Any], labels_nt: NDArray[np.bool_], n_resamples: int, seed: int
) -> tuple[float, float]:
    """Give the 95 % BCa interval, over images, of the mean AP of column t of the scores for trait t.

    Bias-corrected and accelerated: Efron, Better Bootstrap Confidence Intervals, JASA 82 (1987). The
    acceleration is that of the infinitesimal jackknife. Traits and prototypes are held fixed; every
    trait needs a positive.
    """
    mean, influence_n = map_and_influence(scores_nt, labels_nt)
    maps_b = resampled_maps(scores_nt, labels_nt, n_resamples, seed)
    below = float((maps_b < mean).mean() + (maps_b == mean).mean() / 2)
    normal = NormalDist()
    least = 0.5 / n_resamples
    bias = normal.inv_cdf(min(max(below, least), 1 - least))
    squares = float(np.sum(influence_n**2))
    acceleration = float(np.sum(influence_n**3)) / (6 * squares**1.5) if squares else 0.0

    def end(z: float) -> float:
        shifted = bias + z
        share = normal.cdf(bias + shifted / (1 - acceleration * shifted))
        return float(np.quantile(maps_b, share))

    return end(-NORMAL_975), end(NORMAL_975)


def resampled_maps(
    scores_nt: NDArray[Any], labels_nt: NDArray[np.bool_], n_resamples: int, seed: int
) -> NDArray[np.float64]:
    """Compute the mean AP [resamples] over traits of resamples of the examples, with replacement.

    A trait without a positive in a resample does not count there. One resample serves all traits, so
    what they have in common stays. Memory: a thread's `TILE`, and APs [resamples, traits].

    Raises DataError for fewer than `MIN_RESAMPLES`.
    """
    if n_resamples < MIN_RESAMPLES:
        raise DataError(f"{n_resamples} resamples are too few for an interval: {MIN_RESAMPLES} do")
    n = len(labels_nt)
    rng = np.random.default_rng(seed)
    ap_bt = np.empty((n_resamples, labels_nt.shape[1]))
    step = max(1, min(n_resamples, TILE // n))
    with ThreadPoolExecutor(available_threads()) as pool:
        for start in range(0, n_resamples, step):
            some_bt = ap_bt[start : start + step]
            weights_bn = _weights(rng, n, len(some_bt))

            def fill(
                t: int, some_bt: NDArray[Any] = some_bt, weights: NDArray[Any] = weights_bn
            ) -> None:
                some_bt[:, t] = weighted_ap(scores_nt[:, t], labels_nt[:, t], weights)

            list(pool.map(fill, range(labels_nt.shape[1])))
    mean_b: NDArray[np.float64] = np.nanmean(ap_bt, axis=1)
    return mean_b


def weighted_ap(
    scores_n: NDArray[Any],
    labels_n: NDArray[np.bool_],
    weights_bn: NDArray[np.unsignedinteger[Any]],
) -> NDArray[np.float64]:
    """Compute AP [b] of examples that count as often as each row of integer weights says.

    Tied scores are one threshold. NaN where all positives have weight 0. Only groups of tied scores
    that hold a positive matter: what lies between them is summed up first.
    """
    order_n = np.argsort(-scores_n, kind="stable")
    ends_g = np.flatnonzero(np.append(np.diff(scores_n[order_n]) != 0, True)) + 1
    hits_g = np.diff(np.append(0, np.cumsum(labels_n[order_n])[ends_g - 1]))
    ends_h, hits_h = ends_g[hits_g > 0], hits_g[hits_g > 0]
    starts_h = np.append(0, ends_h[:-1])
    dtype = weights_bn.dtype  # all weights of a resample fit in, and so does every sum of some
    ranked_bn = weights_bn.take(order_n[: ends_h[-1]], axis=1, mode="clip")  # no search for -1
    seen_bh = np.add.reduceat(ranked_bn, starts_h, axis=1, dtype=dtype)
    seen_bh.cumsum(axis=1, dtype=dtype, out=seen_bh)
    firsts_h = np.append(0, np.cumsum(hits_h)[:-1])
    hits_bh = weights_bn.take(order_n[labels_n[order_n]], axis=1)
    if len(firsts_h) < hits_bh.shape[1]:
        hits_bh = np.add.reduceat(hits_bh, firsts_h, axis=1, dtype=dtype)
    found_bh = hits_bh.cumsum(axis=1, dtype=dtype)
    # Nothing found where nothing was seen: the 1 divides 0.
    precision_bh = found_bh / np.maximum(seen_bh, 1, out=seen_bh)
    total_b = found_bh[:, -1].astype(np.float64)
    undefined_b = np.full(len(total_b), np.nan)
    ap_b: NDArray[np.float64] = np.divide(
        np.einsum("bh,bh->b", hits_bh, precision_bh), total_b, out=undefined_b, where=total_b > 0
    )
    return ap_b


def _weights(
    rng: np.random.Generator, n: int, n_resamples: int
) -> NDArray[np.unsignedinteger[Any]]:
    """How often each example is drawn, [resamples, examples], as integers that hold their sum."""
    weights_bn = np.empty((n_resamples, n), np.min_scalar_type(n))
    for weights_n in weights_bn:
        weights_n[:] = np.bincount(rng.integers(n, size=n), minlength=n)
    return weights_bn
