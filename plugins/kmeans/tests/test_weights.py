import pytest
import torch
from sklearn.cluster import KMeans as Reference

from traits_core import DataError
from traits_plugin_kmeans.frame import Frame
from traits_plugin_kmeans.start import lloyd

MINI = {"max_epochs": 6, "exact_passes": 2, "first_window": 4.0, "window": 16.0}


def integers(n, d, seed=0):
    """Rows whose sums and squares are exact in any order, with the mean 0."""
    rows_nd = torch.randint(-8, 9, (n // 2, d), generator=torch.Generator().manual_seed(seed))
    return torch.cat([rows_nd, -rows_nd]).float()


def counts_up_to(most, n):
    return torch.randint(1, most + 1, (n,), generator=torch.Generator().manual_seed(1))


def test_a_row_of_weight_two_is_the_row_twice_in_an_exact_pass(learner):
    rows_nd, weights_n = integers(600, 8), counts_up_to(3, 600)
    weighted, repeated = (learner(8, n_clusters=10, small_cluster=0.0) for _ in range(2))
    for method in (weighted, repeated):
        method.initialize(rows_nd)
    one = weighted.update(rows_nd, weights_n)
    other = repeated.update(rows_nd.repeat_interleave(weights_n, dim=0))
    ours, theirs = weighted.state_dict(), repeated.state_dict()
    for name in ("counts_k", "sums_kd"):
        assert torch.equal(ours[name], theirs[name])
    for name in ("inertia", "squares"):
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-12, atol=0)
    assert one == pytest.approx(other, rel=1e-12)
    torch.testing.assert_close(weighted.end_epoch(), repeated.end_epoch(), rtol=1e-12, atol=1e-12)
    assert torch.equal(weighted.scorer().centroids_kd, repeated.scorer().centroids_kd)


def test_a_row_of_weight_two_is_the_row_twice_in_a_mini_batch_step(learner, planted):
    rows_nd, _ = planted(n=100, spread=1.0)
    weights_n = counts_up_to(3, 100)
    weighted, repeated = (learner(16, n_clusters=12, **MINI) for _ in range(2))
    for method in (weighted, repeated):
        method.plan(100_000)  # so that all rows are one step
        method.initialize(rows_nd)
    one = weighted.update(rows_nd, weights_n)
    assert one == pytest.approx(repeated.update(rows_nd.repeat_interleave(weights_n, dim=0)))
    torch.testing.assert_close(
        weighted.scorer().centroids_kd, repeated.scorer().centroids_kd, rtol=1e-5, atol=1e-5
    )
    torch.testing.assert_close(
        weighted.state_dict()["row_sum_d"], repeated.state_dict()["row_sum_d"], rtol=1e-5, atol=1e-3
    )


@pytest.mark.parametrize("options", [{}, MINI], ids=["exact", "mini-batch"])
def test_rows_of_weight_zero_are_absent(learner, planted, options):
    rows_nd, _ = planted(n=600)
    mixed_nd, weights_n = torch.full((900, 16), 1e6), torch.zeros(900)
    mixed_nd[::3], mixed_nd[1::3] = rows_nd[::2], rows_nd[1::2]
    weights_n[::3], weights_n[1::3] = 1.0, 1.0
    with_them, without = (learner(16, n_clusters=12, **options) for _ in range(2))
    with_them.initialize(mixed_nd, weights_n)
    without.initialize(mixed_nd[weights_n > 0])
    for _ in range(3):
        with_them.update(mixed_nd, weights_n)
        without.update(mixed_nd[weights_n > 0])
        torch.testing.assert_close(with_them.end_epoch(), without.end_epoch(), rtol=0, atol=0)
    ours, theirs = with_them.state_dict(), without.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_epochs_are_those_of_scikit_learn_with_its_sample_weights(learner, planted):
    rows_nd, _ = planted(spread=1.5)
    weights_n = 10 * torch.rand(len(rows_nd), generator=torch.Generator().manual_seed(2))
    method = learner(16, n_clusters=10, tol=0.0, small_cluster=0.0)
    method.initialize(rows_nd[:60])
    start_kd = method.scorer().centroids_kd.double().numpy()
    for _ in range(4):
        method.update(rows_nd, weights_n)
        method.end_epoch()
    theirs = Reference(10, init=start_kd, n_init=1, max_iter=4, tol=0)
    theirs.fit(rows_nd.double().numpy(), sample_weight=weights_n.double().numpy())
    scorer = method.scorer()
    centroids_kd = torch.from_numpy(theirs.cluster_centers_).float()
    torch.testing.assert_close(scorer.centroids_kd, centroids_kd, rtol=1e-5, atol=1e-5)
    assert scorer(rows_nd).argmax(dim=1).tolist() == theirs.labels_.tolist()
    method.update(rows_nd, weights_n)
    inertia = method.end_epoch()["inertia"] * float(weights_n.double().sum())
    assert inertia == pytest.approx(theirs.inertia_, rel=1e-5)


def test_steps_on_the_sample_are_those_of_scikit_learn_with_its_sample_weights(planted):
    rows_nd, _ = planted(spread=1.5)
    weights_n = 10 * torch.rand(len(rows_nd), generator=torch.Generator().manual_seed(2)).double()
    frame = Frame(torch.zeros(16), spherical=False)
    codebook, counts_k = lloyd(rows_nd[:10], rows_nd, weights_n, frame, 3)
    theirs = Reference(10, init=rows_nd[:10].numpy(), n_init=1, max_iter=3, tol=0)
    theirs.fit(rows_nd, sample_weight=weights_n.numpy())
    centroids_kd = torch.from_numpy(theirs.cluster_centers_).float()
    torch.testing.assert_close(codebook.centroids_kd, centroids_kd, rtol=1e-4, atol=1e-4)
    assert float(counts_k.sum()) == pytest.approx(float(weights_n.sum()))


def test_the_start_goes_where_the_weight_is(learner):
    generator = torch.Generator().manual_seed(0)
    rows_nd = torch.randn(400, 2, generator=generator)
    heavy_n = rows_nd[:, 0] > 0.5
    weights_n = torch.where(heavy_n, 1.0, 1e-6)
    method = learner(2, n_clusters=16)
    method.initialize(rows_nd, weights_n)
    assert (method.scorer().centroids_kd[:, 0] > 0.5).sum() >= 14


def test_empty_clusters_move_to_far_rows_that_have_weight(learner):
    rows_nd = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]]).repeat(20, 1)
    weights_n = torch.tensor([1.0, 1e-9, 1.0]).repeat(20)
    method = learner(2, n_clusters=2)
    method.initialize(rows_nd[:1].repeat(5, 1))
    method.update(rows_nd, weights_n)
    assert method.end_epoch()["n_reseeded"] == 1
    assert [0.0, 9.0] in method.scorer().centroids_kd.tolist()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, -2.0, 1.0, 1.0], r"at least 0, got -2"),
        ([1.0, torch.nan, 1.0, 1.0], r"finite .* got nan"),
        ([1.0, torch.inf, 1.0, 1.0], r"finite .* got inf"),
        ([1.0, 1.0], r"shape \(4,\), one for each row, got \(2,\)"),
    ],
    ids=["negative", "nan", "infinite", "too few"],
)
def test_bad_weights_are_refused_and_change_nothing(learner, weights, message):
    method, rows_nd = learner(3, n_clusters=2), torch.eye(3)[[0, 1, 2, 0]]
    with pytest.raises(DataError, match=message):
        method.initialize(rows_nd, torch.tensor(weights))
    method.initialize(rows_nd)
    before = method.state_dict()
    with pytest.raises(DataError, match=message):
        method.update(rows_nd, torch.tensor(weights))
    after = method.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
