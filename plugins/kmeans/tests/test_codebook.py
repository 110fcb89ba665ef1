import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from traits_core import ProductRoute
from traits_plugin_kmeans.codebook import Codebook, score_tile
from traits_plugin_kmeans.frame import Frame

CPU = torch.device("cpu")


def exact_distances(rows_bd, centroids_kd):
    return (rows_bd.double()[:, None] - centroids_kd.double()).square().sum(dim=2)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 40), st.integers(1, 20), st.integers(1, 30), st.integers(0, 99))
def test_labels_and_distances_are_those_of_brute_force_in_float64(n, d, k, seed):
    generator = torch.Generator().manual_seed(seed)
    rows_bd = torch.randn(n, d, generator=generator)
    codebook = Codebook(torch.randn(k, d, generator=generator))
    found = codebook.nearest(rows_bd, score_tile(k, CPU))
    labels_b = found.labels_b
    exact_bk = exact_distances(rows_bd, codebook.centroids_kd)
    chosen_b = exact_bk.gather(1, labels_b[:, None])[:, 0]
    torch.testing.assert_close(chosen_b, exact_bk.amin(dim=1), rtol=1e-5, atol=1e-5)
    distances_b = codebook.squared_distances(rows_bd, labels_b).double()
    torch.testing.assert_close(distances_b, chosen_b, rtol=1e-5, atol=0)
    torch.testing.assert_close(found.distances_b.double(), chosen_b, rtol=1e-4, atol=1e-4)
    norms_b = rows_bd.double().square().sum(dim=1)
    torch.testing.assert_close(found.norms_b.double(), norms_b, rtol=1e-5, atol=0)


def test_of_equal_centroids_the_first_is_nearest():
    codebook = Codebook(torch.tensor([[5.0, 5.0], [1.0, 0.0], [1.0, 0.0]]))
    found = codebook.nearest(torch.tensor([[1.0, 0.0], [0.9, 0.1]]), score_tile(3, CPU))
    assert found.labels_b.tolist() == [1, 1]


def test_a_large_mean_changes_no_label():
    generator = torch.Generator().manual_seed(0)
    rows_bd = torch.randn(4000, 64, generator=generator) + 100
    centroids_kd = rows_bd[:128] + 0.1 * torch.randn(128, 64, generator=generator)
    frame = Frame.of(rows_bd, spherical=False)
    codebook = Codebook(frame.rows(centroids_kd))
    labels_b = codebook.nearest(frame.rows(rows_bd), score_tile(128, CPU)).labels_b
    exact_b = torch.cdist(
        rows_bd.double(), centroids_kd.double(), compute_mode="donot_use_mm_for_euclid_dist"
    ).argmin(dim=1)
    assert (labels_b == exact_b).double().mean() >= 0.9999


@pytest.mark.parametrize("n_clusters", [1, 1024, 4096, 65536])
def test_the_tile_stays_in_cache_whatever_the_number_of_clusters(n_clusters):
    tile_bk = score_tile(n_clusters, CPU)
    assert tile_bk.nbytes <= 16 << 20
    assert 64 <= len(tile_bk) <= 4096


def hard_rows(kind, generator):
    """Rows [600, 256] and centroids [200, 256] that bfloat16 confuses, each in a way of its own."""
    rows_bd = torch.randn(600, 256, generator=generator)
    centroids_kd = torch.randn(200, 256, generator=generator)
    if kind == "one dimension":
        rows_bd[:, 1:], centroids_kd[:, 1:] = 0, 0
    elif kind == "large mean":
        rows_bd += 30
        centroids_kd += 30
    elif kind == "near duplicates":
        centroids_kd[100:] = centroids_kd[:100] * (1 + 1e-3)
    elif kind == "duplicates":
        centroids_kd[100:] = centroids_kd[:100]
    elif kind == "outliers":
        centroids_kd[:5] *= 1000
        rows_bd[:5] *= 1000
    return rows_bd, centroids_kd


KINDS = ["plain", "one dimension", "large mean", "near duplicates", "duplicates", "outliers"]


@pytest.mark.parametrize("kind", KINDS)
def test_screening_with_coarse_products_changes_no_label(kind, coarse_products):
    rows_bd, centroids_kd = hard_rows(kind, torch.Generator().manual_seed(4))
    tile_bk = score_tile(200, CPU)
    plain = Codebook(centroids_kd, ProductRoute.PLAIN).nearest(rows_bd, tile_bk)
    screened = Codebook(centroids_kd, ProductRoute.SCREENED).nearest(rows_bd, tile_bk)
    assert torch.equal(screened.labels_b, plain.labels_b)
    assert torch.equal(screened.norms_b, plain.norms_b)


def test_unchecked_coarse_products_do_change_labels(coarse_products):
    rows_bd, centroids_kd = hard_rows("near duplicates", torch.Generator().manual_seed(4))
    scores_bk = torch.empty(600, 200)
    ProductRoute.SCREENED.multiply(rows_bd, centroids_kd, scores_bk)
    labels_b = (scores_bk - centroids_kd.square().sum(dim=1) / 2).argmax(dim=1)
    plain = Codebook(centroids_kd, ProductRoute.PLAIN).nearest(rows_bd, score_tile(200, CPU))
    assert (labels_b != plain.labels_b).any()  # else the test above shows nothing


def test_rows_that_are_close_to_many_centroids_are_not_screened(coarse_products):
    generator = torch.Generator().manual_seed(0)
    tile_bk, spread_kd = score_tile(200, CPU), torch.randn(200, 256, generator=generator)
    rows_bd = torch.randn(600, 256, generator=generator)
    assert Codebook.suited_to(spread_kd, rows_bd, tile_bk).route is ProductRoute.SCREENED
    crowded = Codebook.suited_to(spread_kd + 30, rows_bd + 30, tile_bk)
    assert crowded.route is ProductRoute.PLAIN
    assert crowded.moved_to(spread_kd).route is ProductRoute.PLAIN


def test_small_codebooks_are_not_screened(coarse_products):
    assert Codebook(torch.zeros(500, 32)).route is ProductRoute.PLAIN
    assert Codebook(torch.zeros(8, 500)).route is ProductRoute.PLAIN
    assert Codebook(torch.zeros(500, 500)).route is ProductRoute.SCREENED


def test_a_rough_search_finds_centroids_that_are_nearly_as_near(coarse_products):
    rows_bd, centroids_kd = hard_rows("plain", torch.Generator().manual_seed(4))
    codebook, tile_bk = Codebook(centroids_kd), score_tile(200, CPU)
    exact_bk = exact_distances(rows_bd, centroids_kd)
    rough = codebook.roughly_nearest(rows_bd, tile_bk)
    chosen_b = exact_bk.gather(1, rough.labels_b[:, None])[:, 0]
    torch.testing.assert_close(chosen_b, exact_bk.amin(dim=1), rtol=0.01, atol=0)
    torch.testing.assert_close(rough.distances_b.double(), chosen_b, rtol=0.01, atol=0)
