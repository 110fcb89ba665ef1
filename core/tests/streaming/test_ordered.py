"""In order, every row asked for, every chunk read once."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from traits_core.errors import StoreError
from traits_core.streaming.ordered import ordered_batches


@settings(deadline=None, max_examples=60)
@given(
    data=st.data(),
    rows=st.integers(1, 60),
    chunk_rows=st.integers(1, 7),
    batch=st.integers(1, 25),
)
def test_batches_are_the_rows_in_order(data, ramp, rows, chunk_rows, batch):
    store, reads = ramp(rows, chunk_rows)
    start = data.draw(st.integers(0, rows), "start")
    stop = data.draw(st.integers(start, rows), "stop")
    expected = start
    for first, acts_bd in ordered_batches(store, "a", batch, start, stop):
        assert first == expected
        assert len(acts_bd) == min(batch, stop - first)
        assert acts_bd[:, 0].tolist() == list(range(first + 1, first + 1 + len(acts_bd)))
        expected += len(acts_bd)
    assert expected == stop
    chunks = [first // chunk_rows for first, _ in reads]
    assert len(chunks) == len(set(chunks))


def test_the_whole_store_is_the_default(ramp):
    store, _ = ramp(10)
    acts_nd = torch.cat([acts for _, acts in ordered_batches(store, "a", 3)])
    assert acts_nd[:, 0].tolist() == list(range(1, 11))


def test_rows_behind_the_end_are_refused(ramp):
    store, _ = ramp(10)
    with pytest.raises(StoreError, match="there are 10"):
        list(ordered_batches(store, "a", 3, 0, 11))


def test_a_batch_of_no_rows_is_refused(ramp):
    store, _ = ramp(10)
    with pytest.raises(ValueError, match="at least 1"):
        list(ordered_batches(store, "a", 0))
