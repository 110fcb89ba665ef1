"""Each row once per epoch, in an order of its own, from wherever a run was interrupted."""

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
    "seed": st.integers(0, 2**40),
    "epoch": st.integers(0, 5),
}


def ids(batches):
    """The row numbers in batches, in order; checks that rows came whole."""
    acts_nd = torch.cat(list(batches))
    assert torch.equal(acts_nd[:, 0], -acts_nd[:, 1])
    return (acts_nd[:, 0] - 1).int().tolist()


@settings(deadline=None, max_examples=60)
@given(**SHAPES)
def test_an_epoch_holds_every_row_once_and_reads_every_chunk_once(
    ramp, rows, chunk_rows, batch_size, window, seed, epoch
):
    store, reads = ramp(rows, chunk_rows)
    stream = ShuffledStream(store, "a", batch_size, seed, window)
    batches = list(stream.batches(epoch))
    assert sorted(ids(batches)) == list(range(rows))
    assert len(batches) == stream.batches_per_epoch
    assert all(len(b) == batch_size for b in batches[:-1])
    assert all(b.dtype == torch.float32 for b in batches)
    assert sorted(reads) == [(i, min(i + chunk_rows, rows)) for i in range(0, rows, chunk_rows)]


@settings(deadline=None, max_examples=60)
@given(data=st.data(), **SHAPES)
def test_resuming_at_any_batch_equals_going_on(
    data, ramp, rows, chunk_rows, batch_size, window, seed, epoch
):
    store, _ = ramp(rows, chunk_rows)
    stream = ShuffledStream(store, "a", batch_size, seed, window)
    whole = list(stream.batches(epoch))
    start = data.draw(st.integers(0, len(whole)), "start")
    resumed = list(stream.batches(epoch, start))
    assert len(resumed) == len(whole) - start
    assert all(torch.equal(a, b) for a, b in zip(whole[start:], resumed, strict=True))


def test_resuming_reads_no_window_before_its_place(ramp):
    store, reads = ramp(rows=80, chunk_rows=4)
    stream = ShuffledStream(store, "a", batch_size=16, seed=0, window_chunks=4)
    list(stream.batches(0, start=3))
    assert len(reads) == 8


def test_epochs_and_seeds_differ_and_repeat(ramp):
    store, _ = ramp(rows=64)
    one, other = (ShuffledStream(store, "a", 8, seed) for seed in (0, 1))
    orders = [ids(one.batches(0)), ids(one.batches(1)), ids(other.batches(0))]
    assert len({tuple(order) for order in [*orders, list(range(64))]}) == 4
    assert orders == [ids(one.batches(0)), ids(one.batches(1)), ids(other.batches(0))]


def test_a_batch_mixes_the_chunks_of_its_window(ramp):
    store, _ = ramp(rows=4096, chunk_rows=64)
    batch = next(ShuffledStream(store, "a", 64, seed=3, window_chunks=8).batches(0))
    chunks = {int(row) // 64 for row in ids([batch])}
    assert len(chunks) == 8
    assert max(chunks) - min(chunks) > 8


def test_every_row_is_equally_likely_to_come_first(ramp):
    store, _ = ramp(rows=12, chunk_rows=4)
    stream = ShuffledStream(store, "a", 1, seed=0, window_chunks=2)
    first = [ids([next(stream.batches(epoch))])[0] for epoch in range(600)]
    counts = torch.bincount(torch.tensor(first), minlength=12)
    assert counts.min() > 20
    assert counts.max() < 90


@pytest.mark.parametrize("start", [-1, 5])
def test_a_batch_outside_the_epoch_is_refused(ramp, start):
    store, _ = ramp(rows=16)
    with pytest.raises(ValueError, match="an epoch has 4 batches"):
        ShuffledStream(store, "a", 4, seed=0).batches(0, start)


@pytest.mark.parametrize("bad", [{"batch_size": 0}, {"seed": -1}, {"window_chunks": 0}])
def test_impossible_settings_are_refused(ramp, bad):
    store, _ = ramp(rows=16)
    with pytest.raises(ValueError, match=next(iter(bad))):
        ShuffledStream(store, "a", **({"batch_size": 4, "seed": 0} | bad))
