"""Rows that occur twice are counted exactly while they fit, and estimated by a fair sample beyond."""

from functools import reduce
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from traits_core.statistics import duplicates as module
from traits_core.statistics.duplicates import RowHashes, hash_rows


def integer_rows(numbers):
    return torch.tensor(list(numbers), dtype=torch.float32)[:, None].repeat(1, 3)


def counted(numbers):
    return RowHashes.of(hash_rows(integer_rows(numbers)))


def test_equal_rows_have_equal_hashes_and_others_do_not():
    hashes = hash_rows(integer_rows(range(5000)))
    assert len(np.unique(hashes)) == 5000
    assert np.array_equal(hashes[100:200], hash_rows(integer_rows(range(100, 200))))


def test_half_precision_rows_hash_as_the_numbers_that_they_are():
    rows_nd = integer_rows(range(50))
    assert np.array_equal(hash_rows(rows_nd.half()), hash_rows(rows_nd))


def test_rows_that_differ_in_one_value_are_different():
    rows_nd = integer_rows([4, 4, 4])
    rows_nd[1, 2] = 4.0000005
    assert RowHashes.of(hash_rows(rows_nd)).n_duplicates == 1


@given(st.lists(st.integers(0, 20), min_size=1))
def test_few_rows_are_counted_exactly(numbers):
    found = counted(numbers)
    assert found.level == 0
    assert found.n_duplicates == len(numbers) - len(set(numbers))
    assert found.most_repeated == max(map(numbers.count, numbers))


@given(
    st.lists(st.lists(st.integers(0, 60), min_size=1), min_size=2, max_size=6),
    st.sampled_from([1, 8, 10**6]),
)
def test_merging_in_any_grouping_is_one_and_the_same(parts, capacity):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CAPACITY", capacity)
        left = reduce(RowHashes.merge, map(counted, parts))
        right = reduce(lambda whole, part: part.merge(whole), map(counted, reversed(parts)))
        for other in (right, counted(chain.from_iterable(parts))):
            assert np.array_equal(left.hashes_h, other.hashes_h)
            assert np.array_equal(left.counts_h, other.counts_h)
            assert left.level == other.level
        assert len(left.hashes_h) <= capacity


def test_too_many_rows_are_estimated_from_a_sample(monkeypatch):
    monkeypatch.setattr(module, "CAPACITY", 4096)
    hashes = np.random.default_rng(0).integers(0, 2**64, 60_000, dtype=np.uint64, endpoint=False)
    found = RowHashes.of(np.concatenate([hashes, hashes[:30_000]]))
    assert found.level == 4  # 60,000 / 2^4 fit, 60,000 / 2^3 do not
    assert found.n_duplicates == pytest.approx(30_000, rel=0.1)
    assert found.most_repeated == 2
