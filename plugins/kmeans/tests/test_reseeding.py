import pytest
import torch

from traits_plugin_kmeans.codebook import Codebook
from traits_plugin_kmeans.frame import Frame, unit_rows
from traits_plugin_kmeans.reseeding import places_beside


def gained(rows_nd, own_d, place_d):
    """The part of the rows that a cluster at a place takes from the one whose mean they have."""
    ours_n = (rows_nd - place_d).square().sum(dim=1)
    return float((ours_n < (rows_nd - own_d).square().sum(dim=1)).double().mean())


def test_a_place_beside_the_centroid_gets_many_more_rows_than_the_far_row():
    rows_nd = torch.randn(2000, 192, generator=torch.Generator().manual_seed(0))
    codebook = Codebook(rows_nd.mean(dim=0, keepdim=True))
    labels_n = torch.zeros(len(rows_nd), dtype=torch.int64)
    places_nd, ways_n = places_beside(
        codebook, Frame(torch.zeros(192), spherical=False), rows_nd, labels_n
    )
    far = int(ways_n.argmax())
    assert ways_n[far] == pytest.approx(
        float((rows_nd[far] - codebook.centroids_kd).square().sum())
    )
    assert gained(rows_nd, codebook.centroids_kd[0], rows_nd[far]) < 0.001
    assert gained(rows_nd, codebook.centroids_kd[0], places_nd[far]) > 0.01


def test_places_lie_on_the_sphere_where_rows_do():
    rows_nd = unit_rows(torch.randn(50, 8, generator=torch.Generator().manual_seed(0)))
    frame = Frame(torch.full((8,), 0.2), spherical=True)
    centroids_kd, labels_n = rows_nd[:4] - frame.shift_d, torch.arange(50) % 4
    places_nd, _ = places_beside(Codebook(centroids_kd), frame, rows_nd - frame.shift_d, labels_n)
    lengths_n = (places_nd + frame.shift_d).norm(dim=1)
    torch.testing.assert_close(lengths_n, torch.ones(50), rtol=0, atol=1e-6)
    torch.testing.assert_close(places_nd[:4], centroids_kd, rtol=0, atol=1e-6)
