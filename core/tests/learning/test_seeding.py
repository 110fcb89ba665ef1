import torch

from traits_core import greedy_kmeans_plus_plus


def seeded(rows_nd, k, candidates=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return greedy_kmeans_plus_plus(rows_nd, k, candidates, generator)


def inertia(rows_nd, centroids_kd):
    return float(torch.cdist(rows_nd.double(), centroids_kd.double()).amin(dim=1).square().sum())


def test_each_planted_cluster_gets_one_centroid(planted):
    rows_nd, labels_n = planted(spread=0.05)
    nearest_k = torch.cdist(seeded(rows_nd, 12), rows_nd).argmin(dim=1)
    assert sorted(labels_n[nearest_k].tolist()) == list(range(12))


def test_centroids_are_distinct_rows_of_the_sample(planted):
    rows_nd, _ = planted(n=60)
    chosen_kd = seeded(rows_nd, 60)
    assert {tuple(row) for row in chosen_kd.tolist()} == {tuple(row) for row in rows_nd.tolist()}


def test_fewer_distinct_rows_than_clusters_are_all_chosen_and_then_repeated():
    rows_nd = torch.eye(3).repeat(7, 1)
    chosen_kd = seeded(rows_nd, 10)
    assert {tuple(row) for row in chosen_kd.tolist()} == {tuple(row) for row in rows_nd.tolist()}


def test_more_candidates_start_better_on_average(planted):
    rows_nd, _ = planted(n=1000, spread=1.0)
    one, eight = (
        sum(inertia(rows_nd, seeded(rows_nd, 20, candidates, seed)) for seed in range(8))
        for candidates in (1, 8)
    )
    assert eight < one


def test_the_start_is_no_worse_than_that_of_scikit_learn(planted):
    from sklearn.cluster import kmeans_plusplus

    rows_nd, _ = planted(n=1000, spread=1.0)
    ours = sum(inertia(rows_nd, seeded(rows_nd, 20, 4, seed)) for seed in range(8))
    theirs = sum(
        inertia(
            rows_nd,
            torch.from_numpy(
                kmeans_plusplus(rows_nd.numpy(), 20, n_local_trials=4, random_state=seed)[0]
            ),
        )
        for seed in range(8)
    )
    assert ours <= 1.05 * theirs


def test_the_seed_decides(planted):
    rows_nd, _ = planted()
    assert torch.equal(seeded(rows_nd, 9, seed=5), seeded(rows_nd, 9, seed=5))
    assert not torch.equal(seeded(rows_nd, 9, seed=5), seeded(rows_nd, 9, seed=6))
