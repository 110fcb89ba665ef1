"""A few prototypes against all classes: count, fit with every ridge, and keep the best ridge of each pair."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from traits_core.probing.logistic.bins import Bins
from traits_core.probing.logistic.candidates import Candidates
from traits_core.probing.logistic.config import LogisticConfig
from traits_core.probing.logistic.newton import Fits, fit_pairs
from traits_core.probing.logistic.points import Points
from traits_core.probing.logistic.separation import separable_pairs
from traits_core.probing.logistic.statistics import Statistics

BITS: Final = {64: 1, 128: 2, 256: 3, 512: 4, 1024: 5, 2048: 6, 4096: 7}
"""Precision of bins (see `Bins`) by their number."""


def fit_tile(
    scores_nk: NDArray[np.float32],
    labels_nc: NDArray[np.bool_],
    config: LogisticConfig,
    first: int = 0,
) -> Candidates:
    """Fit the prototypes of scores [rows, prototypes], numbered from `first`: a candidate each.

    Raises DataError for NaN scores.
    """
    statistics = Statistics.zeros(Bins.of(scores_nk, BITS[config.bins]), labels_nc.shape[1])
    statistics.accumulate_dense(scores_nk, labels_nc)
    return candidates_of(
        statistics, separable_pairs(statistics, scores_nk, labels_nc), config, first
    )


def candidates_of(
    statistics: Statistics,
    separable_kc: NDArray[np.bool_],
    config: LogisticConfig,
    first: int = 0,
) -> Candidates:
    """Fit all pairs of some statistics; those that are pruned have an infinite criterion."""
    points, bins = Points.of(statistics), statistics.bins
    shape = points.products_kc.shape
    pairs = prototypes_a, classes_a = np.nonzero(promising_pairs(points, config.prune))
    fits, ridge_a = best_ridge(points, prototypes_a, classes_a, config.ridge)
    criterion_kc = np.full(shape, np.inf)
    criterion_kc[pairs] = fits.criterion_a(points.n_rows)

    def spread(values_a: NDArray[Any]) -> NDArray[Any]:
        values_kc: NDArray[Any] = np.zeros(shape, values_a.dtype)
        values_kc[pairs] = values_a
        return values_kc

    def repeat(values_k: NDArray[Any]) -> NDArray[Any]:
        return np.repeat(values_k[:, None], shape[1], axis=1)

    return Candidates(
        criterion_mc=criterion_kc,
        prototype_mc=repeat(np.arange(first, first + shape[0])),
        ridge_mc=spread(ridge_a),
        intercept_mc=spread(fits.intercept_a),
        slope_mc=spread(fits.slope_a),
        mean_mc=repeat(points.mean_k),
        sd_mc=repeat(points.sd_k),
        low_mc=repeat(bins.low_k),
        high_mc=repeat(bins.high_k),
        loss_mc=spread(fits.loss_a),
        converged_mc=spread(fits.converged_a),
        separable_mc=separable_kc,
    )


def best_ridge(
    points: Points,
    prototypes_a: NDArray[np.intp],
    classes_a: NDArray[np.intp],
    ridges: tuple[float, ...],
) -> tuple[Fits, NDArray[np.float64]]:
    """Fit each pair with each ridge; return, of each pair, the fit of lowest criterion, and its ridge.

    Of equal ones, as where nothing can be learned, the strongest ridge counts.
    """
    descending = sorted(set(ridges), reverse=True)
    best = fit_pairs(points, prototypes_a, classes_a, descending[0])
    ridge_a = np.full(len(prototypes_a), descending[0])
    for ridge in descending[1:]:
        fits = fit_pairs(points, prototypes_a, classes_a, ridge)
        lower_a = fits.criterion_a(points.n_rows) < best.criterion_a(points.n_rows)
        best = Fits.where(lower_a, fits, best)
        ridge_a[lower_a] = ridge
    return best, ridge_a


def promising_pairs(points: Points, prune: int | None) -> NDArray[np.bool_]:
    """All pairs, or those of the `prune` prototypes that correlate most with each class.

    The first Newton step from the prevalence gains half the squared correlation (Rao's score test).
    """
    size_kc = np.abs(points.products_kc)
    if prune is None or prune >= len(size_kc):
        return np.ones(size_kc.shape, bool)
    promising_kc = np.zeros(size_kc.shape, bool)
    ranked_kc = np.argsort(-size_kc, axis=0, kind="stable")[:prune]
    np.put_along_axis(promising_kc, ranked_kc, True, axis=0)
    return promising_kc
