import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples

from traits_core import DataError
from traits_plugin_softcluster.silhouette import (
    cluster_means,
    cosine_silhouettes,
    sampled_silhouettes,
)


@settings(deadline=None, max_examples=40)
@given(n=st.integers(4, 60), k=st.integers(2, 8), seed=st.integers(0, 99))
def test_silhouettes_are_those_of_scikit_learn(n, k, seed):
    generator = torch.Generator().manual_seed(seed)
    rows_nd = torch.nn.functional.normalize(torch.randn(n, 4, generator=generator), dim=1)
    labels_n = torch.randint(k, (n,), generator=generator)
    labels_n[:2] = torch.tensor([0, 1])
    if len(labels_n.unique()) == n:
        labels_n[-1] = 0
    found_n = cosine_silhouettes(rows_nd, labels_n, k + 3)
    expected = silhouette_samples(rows_nd.double().numpy(), labels_n.numpy(), metric="cosine")
    torch.testing.assert_close(found_n, torch.from_numpy(expected).double(), rtol=1e-5, atol=1e-5)


def test_planted_clusters_have_high_silhouettes_and_rows_without_direction_none(scorer_of, planted):
    rows_nd, labels_n, means_kd = planted(kappa=300.0)
    silhouettes_n, found_n = sampled_silhouettes(
        scorer_of(means_kd), torch.cat([torch.zeros(1, 16), rows_nd])
    )
    assert torch.equal(found_n, labels_n)
    assert float(silhouettes_n.mean()) > 0.8


def test_means_are_those_of_the_rows_of_each_cluster():
    silhouettes_n = torch.tensor([0.5, -0.5, 0.25, 1.0], dtype=torch.float64)
    means_k = cluster_means(silhouettes_n, torch.tensor([2, 2, 0, 0]), 4)
    assert means_k.tolist() == [0.625, 0.0, 0.0, 0.0]


def test_one_cluster_has_no_silhouettes():
    with pytest.raises(DataError, match="at least two clusters"):
        cosine_silhouettes(torch.eye(3), torch.zeros(3, dtype=torch.int64), 5)
