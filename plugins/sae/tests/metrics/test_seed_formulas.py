"""The metrics against their definitions, written out over dense tensors as one would in a notebook."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import explained_variance_score, r2_score

from traits_core import ReconstructionSums
from traits_plugin_sae.metrics.correlation import CorrelationSums
from traits_plugin_sae.metrics.geometry import coherence, mean_max_cosine, mean_norm
from traits_plugin_sae.metrics.latents import LatentSums


def random_case(seed, n=50, d=7, s=11):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=generator) * torch.arange(1, d + 1) + 3
    z_hat = z + torch.randn(n, d, generator=generator) + 0.5
    f = (torch.randn(n, s, generator=generator) - 0.3).relu()
    return z, z_hat, f, torch.randn(s, d, generator=generator)


def sparse_of(f):
    values, indices = f.topk(f.shape[1], dim=1)
    return values, indices


def latent_sums(f, parts=1):
    sums = LatentSums.of_none(f.shape[1])
    for part in f.chunk(parts):
        sums.add(part)
    return sums


@given(seed=st.integers(0, 500), parts=st.integers(1, 5))
def test_reconstruction_is_that_of_the_formulas(seed, parts):
    z, z_hat, _, _ = random_case(seed)
    sums = ReconstructionSums(z[0])
    for z_part, z_hat_part in zip(z.chunk(parts), z_hat.chunk(parts), strict=True):
        sums.add(z_part, z_hat_part)
    found, z, z_hat = sums.measured(), z.double(), z_hat.double()
    assert found.rows == 50
    assert found.mse == pytest.approx((z_hat - z).pow(2).mean().item())
    assert found.explained_variance_elementwise == pytest.approx(
        (1 - (z_hat - z).var() / z.var()).item()
    )
    conventional = 1 - (z_hat - z).square().sum() / (z - z.mean(dim=0)).square().sum()
    assert found.explained_variance == pytest.approx(conventional.item())
    assert found.normalized_mse == pytest.approx(1 - conventional.item())


def test_explained_variance_is_r2_weighted_by_variance_in_scikit_learn():
    z, z_hat, _, _ = random_case(0)
    sums = ReconstructionSums(z[0])
    sums.add(z, z_hat)
    expected = r2_score(z.double(), z_hat.double(), multioutput="variance_weighted")
    assert sums.measured().explained_variance == pytest.approx(expected)
    # scikit-learn's function of this name forgives a constant error: another thing.
    forgiving = explained_variance_score(z, z_hat, multioutput="variance_weighted")
    assert sums.measured().explained_variance < forgiving - 1e-3


@given(seed=st.integers(0, 500), parts=st.integers(1, 5))
def test_sparsity_is_that_of_the_formulas(seed, parts):
    _, _, f, _ = random_case(seed)
    f[:, 3] = 0
    found = latent_sums(f, parts).measured()
    active = f.abs() > 1e-8
    assert found.l0_fraction == pytest.approx(active.double().mean().item())
    assert found.l0 == pytest.approx(active.sum(dim=1).double().mean().item())
    assert found.l1_mean == pytest.approx(f.double().abs().mean().item())
    assert found.l1 == pytest.approx(f.double().abs().sum(dim=1).mean().item())
    assert found.dead_fraction == (active.sum(0) == 0).double().mean().item()
    assert found.dense_fraction == (active.double().mean(dim=0) > 0.1).double().mean().item()


@given(seed=st.integers(0, 500))
def test_correlation_is_that_of_the_formula(seed):
    _, _, f, _ = random_case(seed)
    sums = CorrelationSums.of_none(11, 100, 0)
    for part in f.chunk(3):
        sums.add(part)
    corr = torch.corrcoef(f.double().T)
    expected = corr.fill_diagonal_(0).abs().sum() / (11 * 10)
    assert sums.mean_absolute() == pytest.approx(expected.item())


@pytest.mark.parametrize("kind", ["latents", "correlation"])
def test_sparse_and_dense_input_are_the_same(kind):
    _, _, f, _ = random_case(1)
    dense, sparse = (
        LatentSums.of_none(11) if kind == "latents" else CorrelationSums.of_none(11, 6, 0)
        for _ in range(2)
    )
    dense.add(f)
    for part in f.split(20):
        sparse.add_sparse(*sparse_of(part))
    if kind == "latents":
        assert sparse.measured().log_frequencies == dense.measured().log_frequencies
        assert sparse.measured().l1 == pytest.approx(dense.measured().l1)
    else:
        assert sparse.mean_absolute() == pytest.approx(dense.mean_absolute())


def test_correlations_of_many_latents_are_estimated_from_some():
    generator = torch.Generator().manual_seed(0)
    common = torch.randn(400, 1, generator=generator)
    f = (common + torch.randn(400, 300, generator=generator)).relu()
    every, some = CorrelationSums.of_none(300, 300, 0), CorrelationSums.of_none(300, 100, 0)
    for sums in (every, some):
        sums.add(f)
    assert some.products_pp.shape == (101, 101)
    assert some.mean_absolute() == pytest.approx(every.mean_absolute(), rel=0.05)
    assert some.mean_absolute() != every.mean_absolute()


@pytest.mark.parametrize("block", [1, 3, 4, 1024])
def test_the_decoder_is_measured_as_by_the_formulas(block, monkeypatch):
    monkeypatch.setattr("traits_plugin_sae.metrics.geometry.BLOCK", block)
    _, _, _, decoder = random_case(2)
    w = decoder.T  # (D, K)
    w_norm = w / w.norm(dim=0, keepdim=True)
    assert coherence(decoder) == pytest.approx((w_norm.T @ w_norm).abs().triu(1).max().item())
    assert mean_norm(decoder) == pytest.approx(w.norm(dim=0).mean().item())
    features = torch.randn(5, 7, generator=torch.Generator().manual_seed(3))
    cosines = torch.cosine_similarity(features[:, None], decoder[None], dim=2)
    assert mean_max_cosine(features, decoder) == pytest.approx(cosines.amax(dim=1).mean().item())
