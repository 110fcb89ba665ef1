"""How well clusters are separated: scikit-learn is the oracle."""

import pytest
import torch
from sklearn.metrics import davies_bouldin_score, silhouette_score

from traits_core import DataError
from traits_core.scoring import cluster_quality as module
from traits_core.scoring.cluster_quality import cluster_quality


@pytest.fixture
def clusters():
    generator = torch.Generator().manual_seed(0)
    labels_n = torch.randint(6, (400,), generator=generator)
    means_kd = 2 * torch.randn(6, 9, generator=generator)
    rows_nd = means_kd[labels_n] + torch.randn(400, 9, generator=generator)
    return rows_nd, labels_n


@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_both_equal_scikit_learns(clusters, shift):
    rows_nd, labels_n = clusters
    rows_nd = rows_nd + shift
    found = cluster_quality(rows_nd, labels_n)
    wide_nd = rows_nd.double().numpy()
    wanted = silhouette_score(wide_nd, labels_n.numpy(), metric="sqeuclidean")
    assert found.silhouette == pytest.approx(wanted, abs=1e-9)
    wanted = davies_bouldin_score(wide_nd, labels_n.numpy())
    assert found.davies_bouldin == pytest.approx(wanted, abs=1e-9)
    assert found.clusters == 6


def test_tiles_change_nothing(clusters, monkeypatch):
    whole = cluster_quality(*clusters)
    monkeypatch.setattr(module, "TILE", 7)
    parts = cluster_quality(*clusters)
    assert parts.silhouette == pytest.approx(whole.silhouette, abs=1e-12)
    assert parts.davies_bouldin == pytest.approx(whole.davies_bouldin, abs=1e-12)


def test_numbers_without_rows_and_rows_that_are_alone_do_not_count(clusters):
    rows_nd, labels_n = clusters
    found = cluster_quality(rows_nd, labels_n * 100)
    assert found == cluster_quality(rows_nd, labels_n)
    labels_n[0] = 99
    wanted = silhouette_score(rows_nd.double().numpy(), labels_n.numpy(), metric="sqeuclidean")
    assert cluster_quality(rows_nd, labels_n).silhouette == pytest.approx(wanted, abs=1e-9)


def test_clusters_of_equal_rows_are_as_separate_as_can_be():
    rows_nd = torch.tensor([[0.0], [0.0], [1.0], [1.0]])
    found = cluster_quality(rows_nd, torch.tensor([0, 0, 1, 1]))
    assert (found.silhouette, found.davies_bouldin) == (1.0, 0.0)


def test_one_cluster_is_refused(clusters):
    with pytest.raises(DataError, match="400 rows of 1 clusters"):
        cluster_quality(clusters[0], torch.zeros(400, dtype=torch.int64))
