from itertools import pairwise

import pytest
import torch
from sklearn.cluster import KMeans as Reference
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits


def inertia(rows_nd, centroids_kd):
    """Mean squared distance to the nearest centroid, by brute force in float64."""
    return float(torch.cdist(rows_nd.double(), centroids_kd.double()).amin(dim=1).square().mean())


MINI = {"max_epochs": 6, "exact_passes": 2, "first_window": 4.0, "window": 16.0}


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_planted_clusters_are_found(learner, fit, planted, distance):
    rows_nd, labels_n = planted(spread=0.3)
    method = learner(16, n_clusters=12, distance=distance, **MINI)
    history = fit(method, rows_nd)
    assert "window" in history[0]
    assert "moved" in history[-1]
    assert adjusted_rand_score(labels_n, method.scorer()(rows_nd).argmax(dim=1)) == 1.0


def test_inertia_is_no_worse_than_that_of_lloyd_in_scikit_learn(learner, fit, planted):
    rows_nd, _ = planted(n=6000, k=60, spread=1.0)
    with threadpool_limits(1):  # threads that wait for each other make small problems slow
        method = learner(16, n_clusters=40, **MINI)
        fit(method, rows_nd, sample=800)
        theirs = Reference(40, n_init=1, max_iter=20, random_state=0).fit(rows_nd)
    assert inertia(rows_nd, method.scorer().centroids_kd) <= 1.01 * theirs.inertia_ / 6000


def test_centroids_follow_the_rows_within_an_epoch(learner, planted):
    rows_nd, _ = planted(spread=0.1)
    method = learner(16, n_clusters=12, **MINI)
    method.initialize(rows_nd)
    before_kd = method.scorer().centroids_kd
    for _ in range(3):
        method.update(rows_nd + 1)  # 167 rows per cluster, many windows
    moved_kd = method.scorer().centroids_kd - before_kd
    torch.testing.assert_close(moved_kd, torch.ones_like(moved_kd), rtol=0, atol=0.2)


def test_a_longer_window_moves_less(learner, planted):
    rows_nd, _ = planted(spread=0.1)

    def moved(window):
        method = learner(16, n_clusters=12, **{**MINI, "first_window": window, "window": window})
        method.initialize(rows_nd)
        before_kd = method.scorer().centroids_kd
        method.update(rows_nd[:100] + 1)
        return float((method.scorer().centroids_kd - before_kd).mean())

    assert moved(2.0) > 2 * moved(50.0) > 0


def test_a_batch_is_split_into_steps_and_reports_their_learning_rate(learner, planted):
    rows_nd, _ = planted(n=4096)
    method = learner(16, n_clusters=12, **MINI)
    method.initialize(rows_nd)
    whole = method.update(rows_nd[:256])["learning_rate"]
    assert 0 < whole < 1
    split = method.update(rows_nd[:1024])["learning_rate"]
    assert split == pytest.approx(whole, rel=0.2)  # four steps as large as the first


def test_inertia_of_a_mini_batch_epoch_is_measured_while_centroids_move(learner, planted):
    rows_nd, _ = planted(spread=1.0, mean=30.0)
    method = learner(16, n_clusters=12, **{**MINI, "first_window": 1e6, "window": 1e6})
    method.initialize(rows_nd)  # with such a memory they hardly move
    expected = inertia(rows_nd, method.scorer().centroids_kd)
    step = method.update(rows_nd)
    assert step["batch_inertia"] == pytest.approx(expected, rel=1e-3)
    metrics = method.end_epoch()
    assert metrics["sizes"].sum() == len(rows_nd)
    variance = float(rows_nd.double().var(dim=0, unbiased=False).sum())
    assert metrics["inertia"] == pytest.approx(expected, rel=1e-3)
    assert metrics["explained"] == pytest.approx(1 - metrics["inertia"] / variance, rel=1e-5)


def test_starving_clusters_move_to_far_rows(learner, planted):
    rows_nd, _ = planted(spread=0.1)
    method = learner(16, n_clusters=12, **MINI)
    method.initialize(rows_nd[:1].repeat(800, 1))  # all centroids in one place
    counts = []
    for _ in range(3):
        method.update(rows_nd)
        counts.append(method.end_epoch())
    assert counts[0]["n_reseeded"] > 0
    assert counts[-1]["utilisation"] == 1.0
    assert counts[-1]["inertia"] < counts[0]["inertia"] / 2


def test_fewer_rows_than_the_window_are_learned_by_exact_passes(learner, fit, planted):
    rows_nd, _ = planted(n=400, spread=2.0)
    options = {**MINI, "tol": 0.0, "patience": 9, "small_cluster": 0.0}
    few = fit(learner(16, n_clusters=30, **options), rows_nd)
    many = fit(learner(16, n_clusters=5, **options), rows_nd)
    assert ["window" in epoch for epoch in few] == [True] + [False] * 5
    assert ["window" in epoch for epoch in many] == [True] * 4 + [False] * 2


def test_no_epoch_is_left_out_when_the_order_of_the_rows_raises_the_inertia(learner, fit, planted):
    rows_nd, labels_n = planted(n=8000, k=60, spread=2.0)
    rows_nd = rows_nd[
        (labels_n % 2).argsort(stable=True)
    ]  # two windows of a store in its own order
    with threadpool_limits(1):
        method = learner(16, n_clusters=20, max_epochs=8, exact_passes=2)
        history = fit(method, rows_nd)
        theirs = Reference(20, n_init=1, max_iter=8, random_state=0).fit(rows_nd)
    assert ["window" in epoch for epoch in history] == [True] * 6 + [False] * 2
    values = [epoch["inertia"] for epoch in history]
    assert any(later > earlier for earlier, later in pairwise(values))
    assert inertia(rows_nd, method.scorer().centroids_kd) <= 1.01 * theirs.inertia_ / 8000


def test_exact_passes_that_stall_are_the_last(learner, fit, planted):
    rows_nd, _ = planted(n=3000)
    options = {**MINI, "max_epochs": 12, "exact_passes": 9, "tol": 0.5}
    history = fit(learner(16, n_clusters=12, **options), rows_nd)
    assert ["window" in epoch for epoch in history] == [True] * 3 + [False] * 2
    patient = fit(learner(16, n_clusters=12, patience=3, **options), rows_nd)
    assert ["window" in epoch for epoch in patient] == [True] * 3 + [False] * 4


def test_steps_are_as_large_as_an_epoch_allows_once_that_is_known(learner, planted):
    rows_nd, _ = planted(n=400)
    blind, planned = (learner(16, n_clusters=200, **MINI) for _ in range(2))
    planned.plan(100_000)
    rates = []
    for method in (blind, planned):
        method.initialize(rows_nd)
        rates.append(method.update(rows_nd)["learning_rate"])
    assert planned.state_dict()["step_rows"] == 2400
    assert rates[1] > 1.5 * rates[0]  # one step of 400 rows, not eight of 50
