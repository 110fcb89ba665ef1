"""Random rows: distinct, the same for a seed, and from a bounded number of chunks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from traits_core.errors import DataError
from traits_core.streaming import sample as module
from traits_core.streaming.sample import sample_rows


@settings(deadline=None, max_examples=80)
@given(
    rows=st.integers(1, 60),
    chunk_rows=st.integers(1, 7),
    n=st.integers(1, 80),
    seed=st.integers(0, 9),
    limit=st.integers(1, 12),
)
def test_rows_are_distinct_whole_and_as_many_as_there_are(ramp, rows, chunk_rows, n, seed, limit):
    store, reads = ramp(rows, chunk_rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_CHUNKS", limit)
        sample_nd = sample_rows(store, "a", n, seed)
        again_nd = sample_rows(store, "a", n, seed)
    assert sample_nd.dtype == torch.float32
    assert sample_nd.shape == (min(n, rows), 2)
    assert torch.equal(sample_nd, again_nd)
    assert torch.equal(sample_nd[:, 0], -sample_nd[:, 1])
    ids = sample_nd[:, 0].tolist()
    assert len(set(ids)) == len(ids)
    assert set(ids) <= set(range(1, rows + 1))
    assert len(set(reads)) <= max(limit, -(-n // chunk_rows) + 1)


def test_seeds_differ_and_the_order_is_random(ramp):
    store, _ = ramp(1000)
    a, b = (sample_rows(store, "a", 50, seed)[:, 0].tolist() for seed in (0, 1))
    assert set(a) != set(b)
    assert a != sorted(a)


def test_a_huge_store_is_sampled_from_few_chunks(ramp):
    store, reads = ramp(rows=4096 * 10_000, chunk_rows=4096)
    sample_rows(store, "a", 2000, seed=0)
    assert len(reads) <= module.MAX_CHUNKS


def test_a_small_store_is_sampled_evenly(ramp):
    store, _ = ramp(rows=10, chunk_rows=4)
    counts = torch.zeros(11)
    for seed in range(400):
        counts[sample_rows(store, "a", 5, seed)[:, 0].long()] += 1
    assert counts[1:].min() > 150
    assert counts[1:].max() < 250


def test_a_sample_of_nothing_is_refused(ramp):
    store, _ = ramp(10)
    with pytest.raises(DataError, match="at least 1"):
        sample_rows(store, "a", 0, seed=0)
