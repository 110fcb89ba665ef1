"""Fits from bins are those of every row: a slow Newton's and scikit-learn's."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from traits_core.probing.logistic.bins import Bins
from traits_core.probing.logistic.newton import fit_pairs, null_loss
from traits_core.probing.logistic.points import Points
from traits_core.probing.logistic.spread import Spread
from traits_core.probing.logistic.statistics import Statistics

from .conftest import SCORES
from .reference import newton


def points_of(scores_nk, labels_nc, bits=3):
    spread = Spread.zeros(scores_nk.shape[1])
    spread.accumulate_dense(scores_nk)
    statistics = Statistics.zeros(Bins.of(spread, bits), labels_nc.shape[1])
    statistics.accumulate_dense(scores_nk, labels_nc)
    return Points.of(statistics)


def all_pairs(points):
    return np.divmod(np.arange(points.products_kc.size), points.products_kc.shape[1])


@pytest.mark.parametrize("ridge", [1e-5, 1e-3, 1e-1])
def test_every_pair_equals_newton_on_every_row(scores_nk, labels_nc, ridge):
    points = points_of(scores_nk, labels_nc)
    pairs = all_pairs(points)
    fits = fit_pairs(points, *pairs, ridge)
    expected = [
        newton(scores_nk[:, k], labels_nc[:, c], ridge) for k, c in zip(*pairs, strict=True)
    ]
    intercept_a, slope_a, loss_a = np.array(expected).T
    assert fits.converged_a.all()
    np.testing.assert_allclose(fits.loss_a, loss_a, atol=2e-6)
    np.testing.assert_allclose(fits.slope_a, slope_a, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(fits.intercept_a, intercept_a, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("case", ["whole numbers", "two values"])
def test_scores_of_few_values_are_fitted_exactly(case, labels_nc):
    """Each value has a bin of its own, whose variance is 0."""
    scores_nk = SCORES[case]
    points = points_of(scores_nk, labels_nc)
    pairs = all_pairs(points)
    fits = fit_pairs(points, *pairs, 1e-3)
    for a, (k, c) in enumerate(zip(*pairs, strict=True)):
        intercept, slope, loss = newton(scores_nk[:, k], labels_nc[:, c], 1e-3)
        assert fits.loss_a[a] == pytest.approx(loss, abs=1e-9)
        assert fits.slope_a[a] == pytest.approx(slope, abs=1e-7)
        assert fits.intercept_a[a] == pytest.approx(intercept, abs=1e-7)


def test_half_precision_is_fitted_as_well_by_more_bins(scores_nk, labels_nc):
    half_nk = scores_nk.astype(np.float16).astype(np.float32)
    points = points_of(half_nk, labels_nc, bits=5)
    pairs = all_pairs(points)
    fits = fit_pairs(points, *pairs, 1e-3)
    loss_a = [newton(half_nk[:, k], labels_nc[:, c], 1e-3)[2] for k, c in zip(*pairs, strict=True)]
    np.testing.assert_allclose(fits.loss_a, loss_a, rtol=0, atol=1e-8)


def test_more_bins_are_more_precise(labels_nc):
    scores_nk = np.random.default_rng(0).standard_normal((len(labels_nc), 5)).astype(np.float32)
    scores_nk += 2 * labels_nc
    errors = []
    for bits in (1, 3, 5, 7):
        points = points_of(scores_nk, labels_nc, bits)
        fits = fit_pairs(points, np.arange(5), np.arange(5), 1e-4)
        rows = [newton(scores_nk[:, i], labels_nc[:, i], 1e-4)[1] for i in range(5)]
        errors.append(np.abs(fits.slope_a / rows - 1).max())
    assert errors[3] < errors[2] < errors[1] < errors[0]
    assert errors[3] < 1e-7


@pytest.mark.parametrize("c", [1e-2, 1.0, 1e3])
def test_scikit_learn_agrees(scores_nk, labels_nc, c):
    n = len(scores_nk)
    points = points_of(scores_nk, labels_nc, bits=5)
    pairs = all_pairs(points)
    fits = fit_pairs(points, *pairs, ridge=1 / (c * n))
    for a, (k, t) in enumerate(zip(*pairs, strict=True)):
        z_n1 = (scores_nk[:, [k]] - points.mean_k[k]) / points.sd_k[k]
        peer = LogisticRegression(C=c, tol=1e-10, solver="newton-cholesky")
        peer.fit(z_n1, labels_nc[:, t])
        assert fits.slope_a[a] == pytest.approx(peer.coef_[0, 0], rel=1e-4, abs=1e-6)
        assert fits.intercept_a[a] == pytest.approx(peer.intercept_[0], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("ridge", [0, 1e-8, 1e-2])
def test_the_objective_never_rises(scores_nk, labels_nc, ridge):
    scores_nk[:, 0] = labels_nc[:, 0]
    points = points_of(scores_nk, labels_nc)
    pairs = all_pairs(points)
    before_a = np.full(len(pairs[0]), np.inf)
    for iterations in range(1, 12):
        fits = fit_pairs(points, *pairs, ridge, max_iterations=iterations)
        value_a = fits.loss_a + ridge / 2 * fits.slope_a**2
        assert (value_a <= before_a + 1e-11).all()
        before_a = value_a
    assert (fits.loss_a <= null_loss(points.means_c)[pairs[1]] + 1e-12).all()


def test_pairs_converge_each_for_itself(scores_nk, labels_nc):
    """A pair that runs off to infinity does not keep the others from being finished."""
    scores_nk[:, 0] = labels_nc[:, 0] * 2.0
    points = points_of(scores_nk, labels_nc)
    pairs = all_pairs(points)
    together = fit_pairs(points, *pairs, 1e-6)
    alone = fit_pairs(points, pairs[0][7:8], pairs[1][7:8], 1e-6)
    assert together.slope_a[7] == pytest.approx(alone.slope_a[0], rel=1e-12)
    few = fit_pairs(points, *pairs, 0.0, max_iterations=12)
    assert not few.converged_a[0]
    assert few.converged_a[5:].mean() > 0.9


def test_constant_classes_and_constant_prototypes_keep_the_prevalence(labels_nc):
    labels_nc[:, 0], labels_nc[:, 1] = False, True
    scores_nk = np.random.default_rng(0).standard_normal((len(labels_nc), 4)).astype(np.float32)
    scores_nk[:, 0], scores_nk[:, 1] = 0, -7.3
    points = points_of(scores_nk, labels_nc)
    fits = fit_pairs(points, *all_pairs(points), 0.0)
    slope_kc, loss_kc = fits.slope_a.reshape(4, -1), fits.loss_a.reshape(4, -1)
    assert (slope_kc[:2] == 0).all()
    assert (slope_kc[:, :2] == 0).all()
    assert (slope_kc[2:, 2:] != 0).all()
    assert (loss_kc[:, :2] == 0).all()
    np.testing.assert_allclose(loss_kc[0], null_loss(labels_nc.mean(axis=0)))
    assert fits.converged_a.all()
    assert fits.intercept_a[0] == -np.inf
    assert fits.intercept_a[1] == np.inf


def test_degrees_of_freedom_go_from_two_to_one(scores_nk, labels_nc):
    points = points_of(scores_nk, labels_nc)
    pairs = all_pairs(points)
    free, held = fit_pairs(points, *pairs, 0.0), fit_pairs(points, *pairs, 1e6)
    np.testing.assert_allclose(free.degrees_a[free.converged_a], 2, atol=1e-6)
    np.testing.assert_allclose(held.degrees_a, 1, atol=1e-4)
