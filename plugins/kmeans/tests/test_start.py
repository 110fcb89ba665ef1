import pytest
import torch
from sklearn.cluster import KMeans as Reference

from traits_plugin_kmeans import start
from traits_plugin_kmeans.config import KMeansConfig
from traits_plugin_kmeans.frame import Frame
from traits_plugin_kmeans.start import find_start, lloyd


def ones(rows_nd):
    return torch.ones(len(rows_nd), dtype=torch.float64)


def found(rows_nd, seed=0, **options):
    config, frame = KMeansConfig(**options), Frame(torch.zeros(rows_nd.shape[1]), spherical=False)
    return find_start(rows_nd, ones(rows_nd), config, frame, torch.Generator().manual_seed(seed))


def test_steps_on_the_sample_are_those_of_scikit_learn(planted):
    rows_nd, _ = planted(spread=1.5)
    frame = Frame(torch.zeros(16), spherical=False)
    codebook, counts_k = lloyd(rows_nd[:10], rows_nd, ones(rows_nd), frame, 3)
    theirs = Reference(10, init=rows_nd[:10].numpy(), n_init=1, max_iter=3, tol=0).fit(rows_nd)
    torch.testing.assert_close(
        codebook.centroids_kd,
        torch.from_numpy(theirs.cluster_centers_).float(),
        rtol=1e-4,
        atol=1e-4,
    )
    assert counts_k.sum() == len(rows_nd)


def test_the_seeding_that_is_best_on_held_out_rows_is_kept(planted, monkeypatch):
    rows_nd, _ = planted(n=400, k=3, spread=0.1)
    good_kd = Reference(3, n_init=3, random_state=0).fit(rows_nd[50:]).cluster_centers_
    bad_kd, seen = rows_nd[50:53] + 100, []

    def seeded(given_nd, n_clusters, n_candidates, generator, weights_n):
        seen.append(given_nd)
        return torch.from_numpy(good_kd).float() if len(seen) == 3 else bad_kd

    monkeypatch.setattr(start, "greedy_kmeans_plus_plus", seeded)
    monkeypatch.setattr(start, "TRIAL_STEPS", 0)
    centroids_kd = found(rows_nd, n_clusters=3, n_init=4).codebook.centroids_kd
    assert len(seen) == 4
    assert all(torch.equal(given_nd, rows_nd[50:]) for given_nd in seen)  # not those that judge
    distances_kk = torch.cdist(centroids_kd, torch.from_numpy(good_kd).float())
    assert distances_kk.amin(dim=0).max() < 0.1


def test_more_seedings_start_better_on_average(planted):
    rows_nd, _ = planted(n=1000, k=30, spread=0.3)

    def inertia(n_init, seed):
        kept = found(rows_nd, seed, n_clusters=30, n_init=n_init, n_candidates=1)
        return float(torch.cdist(rows_nd, kept.codebook.centroids_kd).amin(dim=1).square().sum())

    one, eight = (sum(inertia(n_init, seed) for seed in range(6)) for n_init in (1, 8))
    assert eight < one


@pytest.mark.parametrize("n_init", [1, 4])
def test_every_row_of_the_sample_counts_in_the_end(planted, n_init):
    rows_nd, _ = planted(n=300)
    begun = found(rows_nd, n_clusters=12, n_init=n_init)
    assert begun.counts_k.sum() == 300
    assert float(begun.reach) == pytest.approx(float(rows_nd.norm(dim=1).max()))


def test_as_many_clusters_as_rows_are_seeded_on_all_of_them():
    rows_nd = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    begun = found(rows_nd, n_clusters=40, n_init=4)
    assert (begun.counts_k == 1).all()
