"""Randomized PCA against the exact one."""

from itertools import pairwise

import pytest
import torch

from traits_plugin_pca.sketch import Sketch


def test_data_of_low_rank_are_solved_exactly(learner, fit, spread_rows):
    mixing_dd = torch.linalg.qr(torch.randn(300, 300, generator=torch.Generator().manual_seed(1))).Q
    rows_nd = spread_rows(d=20, decay=2.0) @ mixing_dd[:20] + 50
    sketched, exact = learner(300, n_components=20, exact_up_to=0), learner(300, n_components=20)
    for method in (sketched, exact):
        fit(method, rows_nd)
    ours, theirs = sketched.scorer(), exact.scorer()
    assert ours.n_prototypes == 20
    rtol = 2e-4  # the last variances are 1/400 of the first, and products are float32
    torch.testing.assert_close(
        ours.spectrum.variances_j[:20], theirs.spectrum.variances_j[:20], rtol=rtol, atol=0
    )
    torch.testing.assert_close(ours(rows_nd), theirs(rows_nd), rtol=0, atol=2e-3)


def test_passes_approach_the_exact_variances_from_below(learner, fit, spread_rows):
    rows_nd = spread_rows(n=6000, d=300)
    exact = learner(300, n_components=16)
    (best,) = fit(exact, rows_nd)
    method = learner(300, n_components=16, exact_up_to=0, max_epochs=6, tol=0.0)
    history = [epoch["explained"] for epoch in fit(method, rows_nd)]
    assert history == sorted(history)
    assert history[0] > 0.995 * best["explained"]
    assert history[-1] == pytest.approx(best["explained"], rel=1e-5)
    assert history[-1] <= best["explained"] * (1 + 1e-6)
    assert method.scorer().spectrum.total_variance == pytest.approx(
        best["total_variance"], rel=1e-6
    )


def test_it_stops_when_a_pass_no_longer_improves(learner, fit, spread_rows):
    method = learner(300, n_components=16, exact_up_to=0, max_epochs=50, tol=1e-4)
    history = [epoch["explained"] for epoch in fit(method, spread_rows(n=6000, d=300))]
    assert 2 <= len(history) < 50
    gains = [1 - before / after for before, after in pairwise(history)]
    assert gains[-1] < 1e-4
    assert all(gain >= 1e-4 for gain in gains[:-1])


def test_a_large_mean_costs_no_digits(learner, fit, spread_rows):
    rows_nd = spread_rows(n=6000, d=100, decay=2.0)
    options = {"n_components": 8, "exact_up_to": 0, "max_epochs": 3, "tol": 0.0}
    near, far = learner(100, **options), learner(100, **options)
    fit(near, rows_nd)
    fit(far, rows_nd + 1000)
    torch.testing.assert_close(
        far.scorer().spectrum.variances_j[:8],
        near.scorer().spectrum.variances_j[:8],
        rtol=1e-4,  # adding 1000 rounds the activations themselves
        atol=0,
    )


def test_more_directions_than_rows_or_dimensions_do_no_harm(learner, fit, spread_rows):
    rows_nd = spread_rows(n=12, d=60)
    method = learner(60, n_components=30, exact_up_to=0)
    fit(method, rows_nd)
    scores_nk = method.scorer()(rows_nd)
    assert scores_nk.shape == (12, 11)
    assert scores_nk.isfinite().all()
    variance = float(rows_nd.double().var(dim=0).sum())
    assert float(scores_nk.double().var(dim=0).sum()) == pytest.approx(variance, rel=1e-5)


def test_nothing_as_large_as_the_covariance_is_kept():
    sketch = Sketch.start(5000, 8, torch.device("cpu"))
    assert max(tensor.numel() for tensor in sketch.tensors().values()) == 5000 * 40
