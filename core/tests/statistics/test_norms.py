"""Lengths of rows: exact quantiles of few, within 2^-8 of many, none of it by order of merging."""

from functools import reduce

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from traits_core.statistics import norms as module
from traits_core.statistics.norms import RELATIVE_ERROR, Norms, row_norms

QS = (0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0)


def lengths(n, seed=0):
    """From 1e-8 to 1e8."""
    return torch.from_numpy(np.random.default_rng(seed).lognormal(0, 6, n))


def exact(norms_n, q):
    return np.quantile(norms_n.float().numpy(), q, method="inverted_cdf")


def test_the_length_of_a_row_is_its_euclidean_norm():
    rows_nd = torch.randn(700, 300) * 1e3
    expected = np.linalg.norm(rows_nd.double().numpy(), axis=1)
    np.testing.assert_allclose(row_norms(rows_nd), expected, rtol=1e-13)


def test_rows_of_the_largest_numbers_do_not_overflow():
    norms_n = row_norms(torch.full((2, 9), torch.finfo(torch.float32).max))
    assert norms_n.tolist() == [pytest.approx(3 * torch.finfo(torch.float32).max)] * 2
    assert Norms.of(norms_n).quantile(0.5) == torch.finfo(torch.float32).max


@pytest.mark.parametrize("n", [1, 2, 101, 5000])
@pytest.mark.parametrize("q", QS)
def test_quantiles_of_few_rows_are_exact(n, q):
    found = Norms.of(lengths(n))
    assert found.quantile(q) == exact(lengths(n), q)
    assert found.relative_error == 0


@pytest.mark.parametrize("q", QS)
def test_quantiles_of_many_rows_are_within_the_stated_error(q):
    found = Norms.of(lengths(module.KEPT + 1))
    assert found.relative_error == RELATIVE_ERROR
    assert len(found.values_n) == 0
    assert found.quantile(q) == pytest.approx(
        exact(lengths(module.KEPT + 1), q), rel=RELATIVE_ERROR
    )


@given(sizes=st.lists(st.integers(1, 30), min_size=2, max_size=6), kept=st.sampled_from([5, 1000]))
def test_merging_in_any_grouping_is_one_and_the_same(sizes, kept):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "KEPT", kept)
        parts = [Norms.of(part) for part in torch.split(lengths(sum(sizes)), sizes)]
        left = reduce(Norms.merge, parts)
        right = reduce(lambda whole, part: part.merge(whole), reversed(parts))
        for other in (right, Norms.of(lengths(sum(sizes)))):
            assert torch.equal(left.counts_b, other.counts_b)
            assert torch.equal(left.values_n, other.values_n)
        assert left.n == sum(sizes)


def test_rows_of_zeros_are_counted_and_have_length_zero(monkeypatch):
    norms_n = torch.tensor([0.0, 1.0, 0.0, 2.0])
    assert Norms.of(norms_n).n_zero == 2
    monkeypatch.setattr(module, "KEPT", 1)
    assert Norms.of(norms_n).quantile(0.5) == 0
