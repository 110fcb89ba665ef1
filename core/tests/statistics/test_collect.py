"""One pass over a store: all of its rows, or parts that merge into all of them."""

import itertools

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from traits_core.errors import DataError, StoreError
from traits_core.statistics import collect as module
from traits_core.statistics.collect import collect

ROWS_ND = torch.randn(60, 5, generator=torch.Generator().manual_seed(0)) + 7
ROWS_ND[13] = ROWS_ND[40] = ROWS_ND[2]
ROWS_ND[::6] *= 30


@pytest.fixture
def _small_steps(monkeypatch):
    monkeypatch.setattr(module, "BATCH_VALUES", 35)
    monkeypatch.setattr(module, "BLOCK_ROWS", 16)


def assert_same(found, expected):
    for name in ("mean_d", "squares_d", "min_d", "max_d", "comoments_dd"):
        torch.testing.assert_close(
            getattr(found.moments, name), getattr(expected.moments, name), rtol=1e-11, atol=1e-11
        )
    assert torch.equal(found.norms.counts_b, expected.norms.counts_b)
    assert torch.equal(found.norms.values_n, expected.norms.values_n)
    assert torch.equal(found.positions.counts_p, expected.positions.counts_p)
    torch.testing.assert_close(found.positions.sums_p, expected.positions.sums_p)
    assert np.array_equal(found.duplicates.hashes_h, expected.duplicates.hashes_h)
    assert np.array_equal(found.duplicates.counts_h, expected.duplicates.counts_h)
    assert (found.subject, found.parts) == (expected.subject, expected.parts)


@pytest.mark.usefixtures("_small_steps")
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_pass_in_small_steps_sees_every_row_as_it_is_stored(store_of, dtype):
    store = store_of(ROWS_ND, positions=6, dtype=dtype)
    found = collect(store, "a", covariance=True)
    x = store.read("a", 0, 60).double().numpy()
    np.testing.assert_allclose(found.moments.mean_d, x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.moments.std_d, x.std(0), rtol=1e-12)
    np.testing.assert_allclose(found.moments.covariance_dd, np.cov(x.T, ddof=0), rtol=1e-10)
    norms = np.linalg.norm(x, axis=1).reshape(-1, 6)
    np.testing.assert_allclose(found.positions.mean_p, norms.mean(0), rtol=1e-12)
    assert found.norms.quantile(1) == np.float32(norms.max())
    assert found.duplicates.n_duplicates == 60 - len(np.unique(x, axis=0))
    assert found.complete


@settings(max_examples=30, deadline=None)
@given(cuts=st.sets(st.integers(1, 59), max_size=5), data=st.data())
def test_parts_merge_in_any_order_into_the_whole(store_of, cuts, data):
    store = store_of(ROWS_ND, positions=6)
    edges = [0, *sorted(cuts), 60]
    parts = [collect(store, "a", *pair, covariance=True) for pair in itertools.pairwise(edges)]
    parts = data.draw(st.permutations(parts))
    while len(parts) > 1:
        assert not parts[0].complete
        place = data.draw(st.integers(0, len(parts) - 2))
        parts[place : place + 2] = [parts[place].merge(parts[place + 1])]
    assert parts[0].complete
    assert_same(parts[0], collect(store, "a", covariance=True))


def test_rows_are_never_counted_twice(store_of):
    store = store_of(ROWS_ND)
    first, second = collect(store, "a", 0, 20), collect(store, "a", 19, 60)
    with pytest.raises(StoreError, match="rows 19 to 20 would be counted twice"):
        first.merge(second)
    with pytest.raises(StoreError, match="counted twice"):
        second.merge(second)


def test_statistics_of_two_stores_are_not_merged(store_of):
    first = collect(store_of(ROWS_ND), "a", 0, 20)
    other = collect(store_of(ROWS_ND, digest="1" * 64), "a", 20, 60)
    with pytest.raises(StoreError, match="in store 111111111111 cannot be merged"):
        first.merge(other)


def test_the_digest_names_store_rows_and_moments(store_of):
    store = store_of(ROWS_ND)
    whole = collect(store, "a")
    assert whole.digest == collect(store, "a", covariance=True).digest
    changed = [
        collect(store, "a", 0, 59),
        collect(store_of(ROWS_ND, digest="1" * 64), "a"),
        collect(store_of(ROWS_ND + 1), "a"),
    ]
    assert len({whole.digest, *(c.digest for c in changed)}) == 4


@pytest.mark.usefixtures("_small_steps")
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_rows_that_are_no_numbers_are_refused_by_name(store_of, bad):
    store = store_of(ROWS_ND)
    rows_nd = ROWS_ND.clone()
    rows_nd[37, 2] = bad
    store = attrs.evolve(store, reader=attrs.evolve(store._reader, rows_nd=rows_nd.numpy()))
    with pytest.raises(DataError, match="array 'a', row 37: NaN or infinity"):
        collect(store, "a")


@pytest.mark.parametrize(("start", "stop"), [(5, 5), (-1, 3), (0, 61), (9, 2)])
def test_rows_that_are_not_there_are_refused(store_of, start, stop):
    with pytest.raises(StoreError, match="there are 60"):
        collect(store_of(ROWS_ND), "a", start, stop)


def test_a_store_of_scores_is_refused(store_of):
    with pytest.raises(StoreError, match="holds scores: statistics are of activations"):
        collect(store_of(ROWS_ND, kind="scores"), "a")
