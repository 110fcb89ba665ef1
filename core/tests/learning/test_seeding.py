import pytest
import torch
from scipy.stats import chisquare
from sklearn.cluster import kmeans_plusplus

from traits_core import greedy_kmeans_plus_plus


def seeded(rows_nd, k, candidates=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return greedy_kmeans_plus_plus(rows_nd, k, candidates, generator)


def inertia(rows_nd, centroids_kd):
    return float(torch.cdist(rows_nd.double(), centroids_kd.double()).amin(dim=1).square().sum())


@pytest.mark.parametrize("candidates", [1, 4])
def test_each_planted_cluster_gets_one_centroid(planted, candidates):
    rows_nd, labels_n = planted(spread=0.05)
    nearest_k = torch.cdist(seeded(rows_nd, 12, candidates), rows_nd).argmin(dim=1)
    assert sorted(labels_n[nearest_k].tolist()) == list(range(12))


@pytest.mark.parametrize("candidates", [1, 4])
def test_centroids_are_distinct_rows_of_the_sample(planted, candidates):
    rows_nd, _ = planted(n=160)
    chosen_kd = seeded(rows_nd, 160, candidates)
    assert {tuple(row) for row in chosen_kd.tolist()} == {tuple(row) for row in rows_nd.tolist()}


@pytest.mark.parametrize("candidates", [1, 4])
def test_fewer_distinct_rows_than_clusters_are_all_chosen_and_then_repeated(candidates):
    rows_nd = torch.eye(3).repeat(7, 1)
    chosen_kd = seeded(rows_nd, 10, candidates)
    assert len(chosen_kd) == 10
    assert {tuple(row) for row in chosen_kd.tolist()} == {tuple(row) for row in rows_nd.tolist()}


def test_more_candidates_start_better_on_average(planted):
    rows_nd, _ = planted(n=1000, spread=1.0)
    one, eight = (
        sum(inertia(rows_nd, seeded(rows_nd, 20, candidates, seed)) for seed in range(8))
        for candidates in (1, 8)
    )
    assert eight < one


@pytest.mark.parametrize("candidates", [1, 4])
def test_the_start_is_no_worse_than_that_of_scikit_learn(planted, candidates):
    rows_nd, _ = planted(n=1000, spread=1.0)
    ours = sum(inertia(rows_nd, seeded(rows_nd, 20, candidates, seed)) for seed in range(8))
    theirs = sum(
        inertia(
            rows_nd,
            torch.from_numpy(
                kmeans_plusplus(rows_nd.numpy(), 20, n_local_trials=candidates, random_state=seed)[
                    0
                ]
            ),
        )
        for seed in range(8)
    )
    assert ours <= 1.05 * theirs


@pytest.mark.parametrize("candidates", [1, 4])
def test_the_seed_decides(planted, candidates):
    rows_nd, _ = planted()
    first_kd, again_kd, other_kd = (seeded(rows_nd, 9, candidates, seed) for seed in (5, 5, 6))
    assert torch.equal(first_kd, again_kd)
    assert not torch.equal(first_kd, other_kd)


@pytest.mark.parametrize("weights", [None, [1.0, 4.0, 0.5, 2.0, 0.25]])
def test_blocks_draw_with_the_probabilities_of_k_means_plus_plus(weights):
    rows_nd = torch.tensor([[-3.0], [-1.0], [0.0], [1.0], [5.0]])
    weights_n = torch.tensor(weights or [1.0] * 5)
    distances_nn = torch.cdist(rows_nd, rows_nd).square() * weights_n
    expected = torch.zeros(5, 5, 5)
    for i in range(5):
        for j in range(5):
            second = distances_nn[i, j] / distances_nn[i].sum()
            left_n = torch.minimum(distances_nn[i], distances_nn[j])
            expected[i, j] = second * left_n / left_n.sum() * weights_n[i] / weights_n.sum()
    runs, generator = 8_000, torch.Generator().manual_seed(0)
    drawn = torch.zeros(5, 5, 5)
    places = {float(row): i for i, row in enumerate(rows_nd)}
    given_n = weights_n if weights else None
    for _ in range(runs):
        chosen_kd = greedy_kmeans_plus_plus(rows_nd, 3, 1, generator, given_n)
        i, j, k = (places[float(row)] for row in chosen_kd)
        drawn[i, j, k] += 1
    possible = expected > 0
    assert not drawn[~possible].any()
    assert chisquare(drawn[possible], runs * expected[possible]).pvalue > 1e-3


def test_copies_of_a_row_are_chosen_once_whatever_the_rounding():
    generator = torch.Generator().manual_seed(0)
    distinct_kd = torch.randn(40, 64, generator=generator)
    chosen_kd = seeded(distinct_kd.repeat(50, 1), 40, candidates=1)
    assert len({tuple(row) for row in chosen_kd.tolist()}) == 40


@pytest.mark.parametrize("candidates", [1, 4])
def test_a_mean_that_is_large_against_the_spread_changes_nothing(planted, candidates):
    rows_nd, labels_n = planted(spread=0.05)
    nearest_k = torch.cdist(seeded(rows_nd + 3000, 12, candidates), rows_nd + 3000).argmin(dim=1)
    assert sorted(labels_n[nearest_k].tolist()) == list(range(12))


def test_of_candidates_the_one_that_serves_the_weights_best_is_kept():
    rows_nd = torch.tensor([[0.0], [0.1], [4.0], [-3.0]])
    weights_n = torch.tensor([100.0, 100.0, 1.0, 3.0])
    generator = torch.Generator().manual_seed(0)
    chosen = [
        min(greedy_kmeans_plus_plus(rows_nd, 2, 50, generator, weights_n)[:, 0].tolist())
        for _ in range(20)
    ]
    assert chosen == [-3.0] * 20
