from itertools import pairwise

import pytest
import torch
from sklearn.cluster import KMeans as Reference
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from traits_core import DataError, TraitsError
from traits_plugin_kmeans.codebook import Codebook


def inertia(rows_nd, centroids_kd):
    """Mean squared distance to the nearest centroid, by brute force in float64."""
    differences = rows_nd.double()[:, None] - centroids_kd.double()
    return float(differences.square().sum(dim=2).amin(dim=1).mean())


def test_each_epoch_is_a_lloyd_step_of_scikit_learn(learner, fit, planted):
    rows_nd, _ = planted(spread=1.5)
    start = learner(16, n_clusters=10)
    start.initialize(rows_nd[:60])
    method = learner(16, n_clusters=10, max_epochs=4, tol=0.0, small_cluster=0.0)
    history = fit(method, rows_nd, sample=60)
    theirs = Reference(
        10, init=start.scorer().centroids_kd.double().numpy(), n_init=1, max_iter=4, tol=0
    ).fit(rows_nd.double().numpy())
    assert [epoch["n_reseeded"] for epoch in history] == [0.0] * 4
    centroids_kd = torch.from_numpy(theirs.cluster_centers_).float()
    torch.testing.assert_close(method.scorer().centroids_kd, centroids_kd, rtol=1e-5, atol=1e-5)


def test_reported_inertia_is_that_of_the_centroids_before_the_pass(learner, planted):
    rows_nd, _ = planted(spread=1.0, mean=50.0)
    method = learner(16, n_clusters=20)
    method.initialize(rows_nd)
    for _ in range(3):
        expected = inertia(rows_nd, method.scorer().centroids_kd)
        steps = [method.update(acts_bd) for acts_bd in torch.split(rows_nd, 500)]
        assert method.end_epoch()["inertia"] == pytest.approx(expected, rel=1e-5)
        assert sum(step["batch_inertia"] for step in steps) / 4 == pytest.approx(expected, rel=1e-5)


def test_exact_passes_assign_in_float32_where_mini_batches_need_not(learner, coarse_products):
    sample_nd, rows_nd = torch.randn(2, 2000, 256, generator=torch.Generator().manual_seed(0))
    method = learner(256, n_clusters=200)
    method.initialize(sample_nd)
    centroids_kd = method.scorer().centroids_kd
    rough = Codebook(centroids_kd).roughly_nearest(rows_nd, torch.empty(2000, 200))
    labels_n = torch.cdist(rows_nd.double(), centroids_kd.double()).argmin(dim=1)
    assert not torch.equal(rough.labels_b, labels_n)
    method.update(rows_nd)
    assert torch.equal(method.state_dict()["counts_k"], labels_n.bincount(minlength=200).double())


def test_sizes_are_the_rows_of_each_cluster_in_the_pass(learner, planted):
    rows_nd, _ = planted(spread=1.0)
    method = learner(16, n_clusters=20)
    method.initialize(rows_nd[:60])
    for _ in range(2):
        labels_n = method.scorer()(rows_nd).argmax(dim=1)
        for acts_bd in torch.split(rows_nd, 500):
            method.update(acts_bd)
        sizes_k = method.end_epoch()["sizes"]
        assert torch.equal(sizes_k, labels_n.bincount(minlength=20).double())


def test_moved_is_the_root_mean_square_way_of_the_rows_of_all_clusters(learner, planted):
    rows_nd, _ = planted(spread=1.0)
    method = learner(16, n_clusters=10, small_cluster=0.0)
    method.initialize(rows_nd[:60])
    scorer = method.scorer()
    method.update(rows_nd)
    moved = method.end_epoch()["moved"]
    ways_k = (method.scorer().centroids_kd - scorer.centroids_kd).square().sum(dim=1)
    expected = float(ways_k[scorer(rows_nd).argmax(dim=1)].mean().sqrt())
    assert moved == pytest.approx(expected, rel=1e-4)


def test_explained_is_one_minus_inertia_over_variance(learner, fit, planted):
    rows_nd, _ = planted(spread=1.0, mean=50.0)
    last = fit(learner(16, n_clusters=20, max_epochs=2), rows_nd)[-1]
    variance = float(rows_nd.double().var(dim=0, unbiased=False).sum())
    assert last["explained"] == pytest.approx(1 - last["inertia"] / variance, rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_planted_clusters_are_found(learner, fit, planted, seed):
    rows_nd, labels_n = planted(spread=0.3, mean=30.0, seed=seed)
    method = learner(16, n_clusters=12, seed=seed)
    fit(method, rows_nd)
    assert adjusted_rand_score(labels_n, method.scorer()(rows_nd).argmax(dim=1)) == 1.0


@pytest.mark.parametrize("spread", [0.5, 3.0])
def test_inertia_is_no_worse_than_that_of_scikit_learn(learner, fit, planted, spread):
    rows_nd, _ = planted(n=3000, k=30, spread=spread)
    ours = theirs = 0.0
    with threadpool_limits(1):  # threads that wait for each other make small problems slow
        for seed in range(10):  # one seed differs from another by 6 %
            method = learner(16, n_clusters=24, seed=seed)
            fit(method, rows_nd)
            ours += inertia(rows_nd, method.scorer().centroids_kd)
            reference = Reference(24, n_init=1, max_iter=20, random_state=seed).fit(rows_nd)
            theirs += reference.inertia_ / 3000
    assert ours <= 1.04 * theirs


def test_inertia_falls_from_epoch_to_epoch_when_nothing_is_reseeded(learner, fit, planted):
    rows_nd, _ = planted(spread=3.0)
    history = fit(learner(16, n_clusters=30, tol=0.0, small_cluster=0.0, max_epochs=8), rows_nd)
    values = [epoch["inertia"] for epoch in history]
    assert all(later <= earlier * (1 + 1e-9) for earlier, later in pairwise(values))
    assert values[-1] < values[0]


def test_it_stops_when_passes_no_longer_improve(learner, fit, planted):
    rows_nd, _ = planted(spread=0.1)
    history = fit(learner(16, n_clusters=12, max_epochs=50), rows_nd)
    assert len(history) < 10
    assert history[-1]["moved"] < 1e-3


def test_it_goes_on_until_a_pass_after_reseeding_was_followed_by_another(learner, fit, planted):
    rows_nd, _ = planted(spread=3.0)
    method = learner(16, n_clusters=40, max_epochs=9, tol=0.9, small_cluster=0.9)
    first, *rest = [epoch["n_reseeded"] for epoch in fit(method, rows_nd)]
    assert first > 0
    assert rest == [0.0, 0.0]  # stalled, but just re-seeded; then stalled for good


def test_a_pass_starts_from_nothing(learner, planted):
    rows_nd, _ = planted(n=200)
    method = learner(16, n_clusters=4)
    method.initialize(rows_nd)
    method.update(rows_nd)
    method.end_epoch()
    state = method.state_dict()
    assert not any(state[name].any() for name in ("sums_kd", "counts_k", "inertia", "squares"))
    assert state["far_arrivals_r"].isinf().all()


def test_empty_clusters_move_to_far_rows(learner, planted):
    rows_nd, _ = planted(spread=0.1)
    method = learner(16, n_clusters=12, max_epochs=3)
    method.initialize(rows_nd[:1].repeat(12, 1))  # all centroids in one place
    method.update(rows_nd)
    metrics = [method.end_epoch()]
    kept_d = method.scorer().centroids_kd[0]  # of equal centroids the first had all rows
    torch.testing.assert_close(kept_d, rows_nd.mean(dim=0), rtol=1e-4, atol=1e-4)
    for _ in range(2):
        method.update(rows_nd)
        metrics.append(method.end_epoch())
    assert metrics[0]["n_reseeded"] == 11
    assert metrics[0]["utilisation"] == pytest.approx(1 / 12)
    assert metrics[-1]["utilisation"] == 1.0
    assert metrics[-1]["inertia"] < metrics[0]["inertia"] / 2


@pytest.mark.parametrize("exact_passes", [0, 99])
def test_far_rows_are_drawn_by_their_squared_distance(learner, exact_passes):
    rows_nd = 0.1 * torch.randn(2000, 8, generator=torch.Generator().manual_seed(0))
    rows_nd[::50, 0] += 50  # one in fifty, with nearly all of the inertia
    method = learner(8, n_clusters=2, exact_passes=exact_passes)
    method.initialize(rows_nd[1:2].repeat(2000, 1))
    state = dict(method.state_dict())
    state["centroids_kd"] = torch.tensor([[0.0], [-1000.0]]).repeat(1, 8)  # of the second no row is
    method.load_state_dict(state)
    method.update(rows_nd[torch.randperm(2000, generator=torch.Generator().manual_seed(1))])
    assert method.end_epoch()["n_reseeded"] == 1
    assert method.scorer().centroids_kd[:, 0].max() > 10


def test_small_clusters_move_only_while_epochs_are_left_to_settle(learner, fit, planted):
    rows_nd, _ = planted(spread=3.0)
    options = {"n_clusters": 40, "max_epochs": 6, "tol": 0.0}
    eager = fit(learner(16, small_cluster=0.9, **options), rows_nd)
    never = fit(learner(16, small_cluster=0.0, **options), rows_nd)
    assert eager[0]["n_reseeded"] > 0
    assert [epoch["n_reseeded"] for epoch in eager[3:]] == [0.0, 0.0, 0.0]
    assert sum(epoch["n_reseeded"] for epoch in never) == 0


def test_fewer_distinct_rows_than_clusters_end_finite(learner, fit):
    rows_nd = torch.tensor([[0.0, 1.0], [2.0, 3.0], [5.0, -1.0]]).repeat(20, 1)
    method = learner(2, n_clusters=8, max_epochs=10)
    history = fit(method, rows_nd)
    assert len(history) < 10
    assert history[-1]["inertia"] == pytest.approx(0.0, abs=1e-10)
    assert history[-1]["explained"] == pytest.approx(1.0)
    assert history[-1]["utilisation"] == pytest.approx(3 / 8)
    assert history[-1]["duplicates"] == 5
    assert method.scorer()(rows_nd).isfinite().all()


def test_equal_rows_end_finite(learner, fit):
    method = learner(3, n_clusters=4)
    history = fit(method, torch.full((50, 3), 7.0))
    assert history[-1]["inertia"] == 0.0
    assert history[-1]["explained"] == 1.0
    assert torch.equal(method.scorer().centroids_kd, torch.full((4, 3), 7.0))


def test_fewer_sample_rows_than_clusters_are_refused_with_both_numbers(learner):
    with pytest.raises(DataError, match=r"40 clusters of a sample of 7 rows: set n_clusters to 7"):
        learner(3, n_clusters=40).initialize(torch.randn(7, 3))


def test_the_sample_has_at_least_a_row_per_cluster(learner):
    assert learner(3, n_clusters=40, seeding_rows=5).sample_rows == 40


def test_an_epoch_without_rows_is_refused(learner):
    method = learner(3, n_clusters=2)
    method.initialize(torch.randn(10, 3))
    with pytest.raises(DataError, match="no rows"):
        method.end_epoch()


@pytest.mark.parametrize(
    "bad",
    [
        torch.full((4, 3), torch.nan),
        torch.tensor([[0.0, torch.inf, 0.0]]),
        torch.tensor([[0.0, 1e30, 0.0]]),
        torch.zeros(4, 5),
        torch.zeros(3),
        torch.zeros(4, 3, dtype=torch.int64),
    ],
    ids=["nan", "infinity", "huge", "width", "one-dimensional", "integer"],
)
def test_bad_activations_are_refused_by_shape_and_change_nothing(learner, bad):
    method = learner(3, n_clusters=2)
    with pytest.raises(TraitsError, match=r"\(.*\)"):
        method.initialize(bad)
    method.initialize(torch.randn(10, 3, generator=torch.Generator().manual_seed(0)))
    before = method.state_dict()
    for call in (method.update, method.scorer()):
        with pytest.raises(TraitsError) as refusal:
            call(bad)
        assert str(tuple(bad.shape)) in str(refusal.value)
    after = method.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_global_state_is_untouched(learner, fit, planted):
    rows_nd, _ = planted(n=200)
    before = torch.get_rng_state()
    with torch.enable_grad():
        fit(learner(16, n_clusters=4, max_epochs=2), rows_nd)
        assert torch.is_grad_enabled()
    assert torch.equal(before, torch.get_rng_state())


def test_a_float64_default_changes_nothing(learner, fit, planted):
    rows_nd, _ = planted(n=200)
    plain, other = (learner(16, n_clusters=4, max_epochs=2) for _ in range(2))
    fit(plain, rows_nd)
    torch.set_default_dtype(torch.float64)
    try:
        fit(other, rows_nd)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(plain.scorer().centroids_kd, other.scorer().centroids_kd)
