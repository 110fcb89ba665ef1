"""Workers that share an epoch take every row once between them, and each resumes on its own."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from traits_core.streaming.shuffle import ShuffledStream

SHAPES = {
    "rows": st.integers(1, 60),
    "chunk_rows": st.integers(1, 7),
    "batch_size": st.integers(1, 25),
    "window": st.integers(1, 5),
    "world_size": st.integers(1, 9),
    "seed": st.integers(0, 99),
    "epoch": st.integers(0, 5),
}


def workers(store, batch_size, seed, window, world_size):
    return [
        ShuffledStream(store, "a", batch_size, seed, window, world_size=world_size, rank=rank)
        for rank in range(world_size)
    ]


def ids(batches):
    return [(batch[:, 0] - 1).int().tolist() for batch in batches]


@settings(deadline=None, max_examples=80)
@given(**SHAPES)
def test_the_parts_of_the_workers_are_disjoint_complete_and_equal_to_the_row(
    ramp, rows, chunk_rows, batch_size, window, world_size, seed, epoch
):
    store, _ = ramp(rows, chunk_rows)
    streams = workers(store, batch_size, seed, window, world_size)
    parts = [np.concatenate([[], *stream.row_ids(epoch)]).tolist() for stream in streams]
    assert sorted(row for part in parts for row in part) == list(range(rows))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert [len(part) for part in parts] == [stream.rows_per_epoch for stream in streams]


@settings(deadline=None, max_examples=30)
@given(data=st.data(), **SHAPES)
def test_a_worker_yields_the_rows_that_it_announces_and_resumes_anywhere(
    data, ramp, rows, chunk_rows, batch_size, window, world_size, seed, epoch
):
    store, _ = ramp(rows, chunk_rows)
    streams = workers(store, batch_size, seed, window, world_size)
    stream = data.draw(st.sampled_from(streams), "worker")
    announced = [part.tolist() for part in stream.row_ids(epoch)]
    assert len(announced) == stream.batches_per_epoch
    start = data.draw(st.integers(0, len(announced)), "start")
    assert ids(stream.batches(epoch, start)) == announced[start:]


def test_workers_read_each_chunk_once_but_those_that_they_share(ramp):
    store, reads = ramp(rows=64, chunk_rows=4)
    for stream in workers(store, 8, 0, 2, world_size=3):
        list(stream.batches(0))
    assert len(reads) == 16 + 2
    assert sum(stop - start for start, stop in reads) == 64


def test_one_worker_of_one_is_the_whole_stream(ramp):
    store, _ = ramp(rows=50)
    alone = ShuffledStream(store, "a", 8, seed=3)
    (only,) = workers(store, 8, 3, 8, world_size=1)
    pairs = zip(alone.batches(1), only.batches(1), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(("world_size", "rank"), [(1, 1), (3, 3), (3, -1)])
def test_a_worker_outside_the_world_is_refused(ramp, world_size, rank):
    store, _ = ramp(rows=16)
    with pytest.raises(ValueError, match=f"from 0 to {world_size - 1}, got {rank}"):
        ShuffledStream(store, "a", 4, seed=0, world_size=world_size, rank=rank)
