import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from traits_core import centred
from traits_plugin_kmeans.codebook import Codebook, score_tile

CPU = torch.device("cpu")


def exact_distances(rows_bd, centroids_kd):
    return (rows_bd.double()[:, None] - centroids_kd.double()).square().sum(dim=2)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 40), st.integers(1, 20), st.integers(1, 30), st.integers(0, 99))
def test_labels_and_distances_are_those_of_brute_force_in_float64(n, d, k, seed):
    generator = torch.Generator().manual_seed(seed)
    rows_bd = torch.randn(n, d, generator=generator)
    codebook = Codebook(torch.randn(k, d, generator=generator))
    labels_b = codebook.nearest(rows_bd, score_tile(k, CPU))
    exact_bk = exact_distances(rows_bd, codebook.centroids_kd)
    chosen_b = exact_bk.gather(1, labels_b[:, None])[:, 0]
    torch.testing.assert_close(chosen_b, exact_bk.amin(dim=1), rtol=1e-5, atol=1e-5)
    distances_b = codebook.squared_distances(rows_bd, labels_b).double()
    torch.testing.assert_close(distances_b, chosen_b, rtol=1e-5, atol=0)


def test_of_equal_centroids_the_first_is_nearest():
    codebook = Codebook(torch.tensor([[5.0, 5.0], [1.0, 0.0], [1.0, 0.0]]))
    labels_b = codebook.nearest(torch.tensor([[1.0, 0.0], [0.9, 0.1]]), score_tile(3, CPU))
    assert labels_b.tolist() == [1, 1]


def test_a_large_mean_changes_no_label():
    generator = torch.Generator().manual_seed(0)
    rows_bd = torch.randn(4000, 64, generator=generator) + 100
    centroids_kd = rows_bd[:128] + 0.1 * torch.randn(128, 64, generator=generator)
    shift_d = rows_bd.double().mean(dim=0).float()
    codebook = Codebook(centred(centroids_kd, shift_d))
    labels_b = codebook.nearest(centred(rows_bd, shift_d), score_tile(128, CPU))
    exact_b = torch.cdist(
        rows_bd.double(), centroids_kd.double(), compute_mode="donot_use_mm_for_euclid_dist"
    ).argmin(dim=1)
    assert (labels_b == exact_b).double().mean() >= 0.9999


@pytest.mark.parametrize("n_clusters", [1, 1024, 4096, 65536])
def test_the_tile_stays_in_cache_whatever_the_number_of_clusters(n_clusters):
    tile_bk = score_tile(n_clusters, CPU)
    assert tile_bk.nbytes <= 16 << 20
    assert 64 <= len(tile_bk) <= 4096
