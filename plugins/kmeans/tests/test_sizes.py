import pytest
import torch

from traits_plugin_kmeans.codebook import Codebook, score_tile
from traits_plugin_kmeans.sizes import n_duplicates, size_metrics


def test_sizes_fall_into_classes_relative_to_the_mean():
    counts_k = torch.tensor([0, 1, 12, 13, 50, 51, 200, 201, 272, 0])  # mean 80
    found = size_metrics(counts_k)
    classes = {name: value for name, value in found.items() if name.startswith("sizes_")}
    assert classes == pytest.approx(
        {
            "sizes_empty": 0.2,
            "sizes_eighth": 0.1,
            "sizes_half": 0.2,
            "sizes_double": 0.2,
            "sizes_eightfold": 0.3,
            "sizes_more": 0.0,
        }
    )
    assert sum(classes.values()) == pytest.approx(1)
    assert found["utilisation"] == 0.8
    assert (found["size_min"], found["size_median"], found["size_max"]) == (0, 13, 272)


def duplicates(centroids_kd, inertia=1.0):
    tile_bk = score_tile(len(centroids_kd), torch.device("cpu"))[:4]  # several tiles
    return n_duplicates(Codebook(centroids_kd), inertia, tile_bk)


def test_a_centroid_on_an_earlier_one_is_a_duplicate():
    centroids_kd = torch.randn(11, 6, generator=torch.Generator().manual_seed(0))
    assert duplicates(centroids_kd) == 0
    centroids_kd[9] = centroids_kd[2]
    centroids_kd[10] = centroids_kd[2]
    centroids_kd[5] = centroids_kd[4] + 0.001
    assert duplicates(centroids_kd) == 3
    assert duplicates(centroids_kd, inertia=0.0) == 2
    assert duplicates(torch.zeros(11, 6)) == 10
    assert duplicates(torch.zeros(1, 6)) == 0
