"""Mean, spread and covariance are those of two passes in float64, whatever the rows are cut into."""

from functools import reduce

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from traits_core.statistics import moments as module
from traits_core.statistics.moments import Moments


def rows(n, d, ratio, seed=0):
    """Standard normal dimensions of spread 1/2 to 2, with means of `ratio` times that."""
    generator = torch.Generator().manual_seed(seed)
    scale_d = torch.linspace(0.5, 2, d)
    return (torch.randn(n, d, generator=generator) + ratio) * scale_d


def assert_two_pass(found, rows_nd):
    x = rows_nd.double().numpy()
    np.testing.assert_allclose(found.mean_d, x.mean(0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.std_d, x.std(0), rtol=1e-10)
    np.testing.assert_array_equal(found.min_d, x.min(0))
    np.testing.assert_array_equal(found.max_d, x.max(0))
    assert found.n == len(x)
    if found.comoments_dd is not None:
        covariance = np.cov(x, rowvar=False, ddof=0)
        np.testing.assert_allclose(found.covariance_dd, covariance, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("ratio", [0, 1, -1e3, 1e5])
@pytest.mark.parametrize("covariance", [False, True])
def test_moments_equal_two_passes_in_float64(ratio, covariance):
    rows_nd = rows(20_000, 24, ratio)  # four tiles
    assert_two_pass(Moments.of(rows_nd, covariance), rows_nd)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=8),
    ratio=st.sampled_from([0.0, 1e3]),
    seed=st.integers(0, 9),
    data=st.data(),
)
def test_merging_in_any_grouping_and_order_gives_the_moments_of_all(sizes, ratio, seed, data):
    rows_nd = rows(sum(sizes), 5, ratio, seed)
    parts = [Moments.of(part, covariance=True) for part in torch.split(rows_nd, sizes)]
    parts = data.draw(st.permutations(parts))
    while len(parts) > 1:
        place = data.draw(st.integers(0, len(parts) - 2))
        parts[place : place + 2] = [parts[place].merge(parts[place + 1])]
    if len(rows_nd) > 2:
        assert_two_pass(parts[0], rows_nd)


def test_data_that_drift_lose_no_digits():
    rows_nd = torch.cat([rows(500, 6, ratio) for ratio in (1e4, -1e4, 0, 3)])
    assert_two_pass(reduce(Moments.merge, map(Moments.of, torch.split(rows_nd, 7))), rows_nd)


def test_a_constant_dimension_has_a_spread_of_exactly_zero():
    rows_nd = rows(5000, 4, 3)
    rows_nd[:, 1] = 0.1
    rows_nd[:, 3] = 12345.678
    found = reduce(
        Moments.merge, [Moments.of(part, covariance=True) for part in torch.split(rows_nd, 999)]
    )
    assert found.constant_d.tolist() == [False, True, False, True]
    assert (found.std_d == 0).tolist() == [False, True, False, True]
    assert (found.covariance_dd[[1, 3]] == 0).all()
    assert (found.covariance_dd[:, [1, 3]] == 0).all()


def test_the_covariance_changes_no_bit_of_the_rest():
    rows_nd = rows(3000, 40, 10)
    plain, full = Moments.of(rows_nd), Moments.of(rows_nd, covariance=True)
    assert torch.equal(plain.mean_d, full.mean_d)
    assert torch.equal(plain.squares_d, full.squares_d)
    np.testing.assert_allclose(full.comoments_dd.diagonal(), full.squares_d, rtol=1e-12)


def test_a_covariance_that_one_side_lacks_is_lacking():
    with_it, without = Moments.of(rows(3, 2, 0), covariance=True), Moments.of(rows(3, 2, 0))
    assert with_it.merge(without).comoments_dd is None
    assert without.merge(with_it).covariance_dd is None


def test_the_rows_are_not_written_to():
    rows_nd = rows(10, 3, 1).double()
    before = rows_nd.clone()
    Moments.of(rows_nd, covariance=True)
    assert torch.equal(rows_nd, before)


def test_dimensions_wider_than_a_tile_are_taken_row_by_row(monkeypatch):
    monkeypatch.setattr(module, "TILE_VALUES", 2)
    rows_nd = rows(9, 3, 5)
    assert_two_pass(Moments.of(rows_nd), rows_nd)
