"""A few prototypes against all classes: fit with every ridge, and keep the best ridge of each pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from traits_core.probing.logistic.candidates import Candidates
from traits_core.probing.logistic.newton import Fits, fit_pairs
from traits_core.probing.logistic.points import Points
from traits_core.probing.logistic.statistics import Statistics


def candidates_of(
    statistics: Statistics,
    wanted_kc: NDArray[np.bool_],
    ridges: tuple[float, ...],
    first: int,
) -> Candidates:
    """Fit the wanted pairs of prototypes, numbered from `first`, and classes.

    Returns a candidate for each prototype; pairs that are not wanted have an infinite criterion.
    """
    points, bins = Points.of(statistics), statistics.bins
    shape = points.products_kc.shape
    pairs = prototypes_a, classes_a = np.nonzero(wanted_kc)
    fits, ridge_a = best_ridge(points, prototypes_a, classes_a, ridges)
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
