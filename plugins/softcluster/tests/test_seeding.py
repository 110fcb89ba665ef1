import torch
from sklearn.cluster import kmeans_plusplus

from traits_plugin_softcluster.seeding import greedy_kmeans_plus_plus


def seeded(rows_nd, k, candidates=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return greedy_kmeans_plus_plus(rows_nd, k, candidates, generator)


def mean_cosine(rows_nd, centres_kd):
    return float((rows_nd @ centres_kd.T).amax(dim=1).mean())


def test_each_planted_cluster_gets_one_centre(planted):
    rows_nd, labels_n, _ = planted(kappa=2000.0)
    nearest_k = (seeded(rows_nd, 12) @ rows_nd.T).argmax(dim=1)
    assert sorted(labels_n[nearest_k].tolist()) == list(range(12))


def test_fewer_distinct_rows_than_clusters_are_all_chosen_and_then_repeated():
    rows_nd = torch.eye(3).repeat(7, 1)
    chosen_kd = seeded(rows_nd, 10)
    assert {tuple(row) for row in chosen_kd.tolist()} == {tuple(row) for row in rows_nd.tolist()}


def test_the_start_is_no_worse_than_that_of_scikit_learn(planted):
    rows_nd, *_ = planted(n=1000, kappa=30.0)
    ours = sum(mean_cosine(rows_nd, seeded(rows_nd, 20, 4, seed)) for seed in range(8))
    theirs = 0.0
    for seed in range(8):
        found, _ = kmeans_plusplus(rows_nd.numpy(), 20, n_local_trials=4, random_state=seed)
        theirs += mean_cosine(rows_nd, torch.from_numpy(found))
    assert ours >= 0.98 * theirs


def test_the_seed_decides(planted):
    rows_nd, *_ = planted()
    assert torch.equal(seeded(rows_nd, 9, seed=5), seeded(rows_nd, 9, seed=5))
    assert not torch.equal(seeded(rows_nd, 9, seed=5), seeded(rows_nd, 9, seed=6))
