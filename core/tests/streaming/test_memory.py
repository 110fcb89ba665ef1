"""Memory that is used again is never memory that somebody still holds."""

import gc
import threading

import numpy as np
import pytest
import torch

from traits_core.streaming.recycling import Recycler
from traits_core.streaming.shuffle import ShuffledStream
from traits_core.streaming.windows import Window, read_windows


def test_memory_comes_back_when_the_last_view_is_gone():
    memory = Recycler(4, 3)
    batch_bd = memory.empty(4)
    address, view_d = batch_bd.data_ptr(), batch_bd[2]
    del batch_bd
    assert memory.empty(4).data_ptr() != address
    del view_d
    gc.collect()
    assert address in {tensor.data_ptr() for tensor in [memory.empty(4), memory.empty(2)]}


def test_a_short_tensor_has_its_own_rows():
    assert Recycler(4, 3).empty(2).shape == (2, 3)


def test_batches_that_are_kept_do_not_change(ramp):
    store, _ = ramp(rows=200, chunk_rows=4)
    stream = ShuffledStream(store, "a", 8, seed=0, window_chunks=2)
    kept = list(stream.batches(0))
    copies = [batch.clone() for batch in stream.batches(0)]
    assert all(torch.equal(a, b) for a, b in zip(kept, copies, strict=True))


def window(*ranges):
    rows = sum(stop - start for start, stop in ranges)
    return Window(np.array(ranges), np.arange(rows))


def test_the_next_window_is_read_while_one_is_used(ramp):
    store, reads = ramp(rows=24, chunk_rows=4)
    windows = read_windows(
        store, "a", [window((8, 12)), window((0, 4), (16, 20)), window((4, 8))], 8
    )
    _, rows_nd = next(windows)
    for _ in range(1000):
        if len(reads) == 3:
            break
        threading.Event().wait(0.01)
    assert sorted(reads) == [(0, 4), (8, 12), (16, 20)]
    assert rows_nd[:, 0].tolist() == [9, 10, 11, 12]  # not overwritten
    assert next(windows)[1][:, 0].tolist() == [1, 2, 3, 4, 17, 18, 19, 20]
    assert next(windows)[1][:, 0].tolist() == [5, 6, 7, 8]
    assert next(windows, None) is None


def test_two_windows_are_all_the_memory_there_is(ramp):
    store, _ = ramp(rows=64, chunk_rows=4)
    windows = [window((start, start + 4)) for start in range(0, 64, 4)]
    places = {rows_nd.data_ptr() for _, rows_nd in read_windows(store, "a", windows, 4)}
    assert len(places) == 2


def test_an_error_of_a_read_is_raised_and_no_thread_is_left(ramp):
    store, _ = ramp(rows=8)
    windows = read_windows(store, "a", [window((0, 4)), window((4, 99))], 99)
    assert next(windows)[1].shape == (4, 2)
    with pytest.raises(Exception, match="there are 8"):
        next(windows)
    assert not [t for t in threading.enumerate() if t.name.startswith("traits-read")]


def test_a_stream_that_is_left_early_leaves_no_thread(ramp):
    store, _ = ramp(rows=200, chunk_rows=4)
    batches = ShuffledStream(store, "a", 8, seed=0, window_chunks=2).batches(0)
    next(batches)
    batches.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("traits-")]
