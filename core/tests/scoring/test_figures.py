"""The figures of scorers that are sparse, that reconstruct, and that are neither."""

import attrs
import pytest
import torch

from traits_core.normalization.maps import Scaling
from traits_core.normalization.normalizer import Normalizer, NormalizerFacts
from traits_core.normalization.scorer import normalized
from traits_core.scoring import figures as module
from traits_core.scoring.cluster_quality import cluster_quality
from traits_core.scoring.figures import figures

ACTS_ND = torch.randn(50, 6, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 7) + 4


@attrs.frozen
class Dense:
    """Scores are the first three dimensions."""

    n_prototypes = 3

    def __call__(self, acts_bd):
        return acts_bd[:, :3]


@attrs.frozen
class Autoencoder(Dense):
    """Keeps the first two dimensions, and says 0 of the others."""

    def sparse(self, acts_bd):
        return acts_bd[:, :2].relu(), torch.arange(2).expand(len(acts_bd), 2)

    def reconstruct(self, acts_bd):
        return torch.cat([acts_bd[:, :2], 0 * acts_bd[:, 2:]], dim=1)


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_sparsity_and_reconstruction_are_over_all_rows(batch, monkeypatch):
    monkeypatch.setattr(module, "BATCH", batch)
    found = figures(Autoencoder(), ACTS_ND)
    assert found.rows == 50
    assert found.rows_per_second > 0
    assert found.l0 == (ACTS_ND[:, :2] > 0).sum().item() / 50
    sse = ACTS_ND[:, 2:].double().square().sum()
    sst = (ACTS_ND - ACTS_ND.mean(dim=0)).double().square().sum()
    expected = 1 - (sse / sst).item()
    assert found.reconstruction.explained_variance == pytest.approx(expected, rel=1e-5)


def test_what_a_scorer_does_not_offer_is_not_measured():
    found = figures(Dense(), ACTS_ND)
    assert (found.l0, found.reconstruction) == (None, None)


def test_a_normalised_scorer_reconstructs_activations_in_their_own_units():
    scaling = Scaling(shift_d=ACTS_ND.mean(dim=0).double(), scale_d=torch.arange(1.0, 7.0))
    normalizer = Normalizer(NormalizerFacts(kind="standardize", d_model=6), scaling)
    found = figures(normalized(normalizer, Autoencoder()), ACTS_ND)
    assert found.l0 == (normalizer(ACTS_ND)[:, :2] > 0).sum().item() / 50
    # It says the mean of the dimensions that it does not keep, and the truth of the others.
    squares_d = (ACTS_ND - ACTS_ND.mean(dim=0)).double().square().sum(dim=0)
    expected = (squares_d[:2].sum() / squares_d.sum()).item()
    assert found.reconstruction.explained_variance == pytest.approx(expected, rel=1e-5)
    dense = figures(normalized(normalizer, Dense()), ACTS_ND)
    assert (dense.l0, dense.reconstruction) == (None, None)


def test_rows_are_clusters_of_their_highest_score():
    found = figures(Dense(), ACTS_ND)
    labels_n = ACTS_ND[:, :3].argmax(dim=1)
    assert found.clusters == cluster_quality(ACTS_ND, labels_n)
    assert found.clusters.clusters == 3
    assert figures(Dense(), ACTS_ND[:1]).clusters is None
