"""Reading ahead changes no item, hides no error, and leaves no thread behind."""

import threading

import pytest
import torch

from traits_core.streaming.prefetch import prefetch


def reading_threads():
    return [t for t in threading.enumerate() if t.name == "traits-prefetch"]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert not reading_threads()


@pytest.mark.parametrize("depth", [1, 2, 7])
@pytest.mark.parametrize("n", [0, 1, 20])
def test_items_come_whole_and_in_order(depth, n):
    assert list(prefetch(range(n), depth)) == list(range(n))


def test_none_is_an_item_like_any_other():
    assert list(prefetch([None, 0, None])) == [None, 0, None]


def test_an_error_is_raised_behind_the_items_before_it():
    def source():
        yield 1
        yield 2
        raise LookupError("broken disk")

    items = prefetch(source())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(LookupError, match="broken disk"):
        next(items)


def test_something_that_is_no_iterable_is_an_error_and_no_hang():
    with pytest.raises(TypeError):
        list(prefetch(3))


def test_a_consumer_that_stops_early_closes_the_source():
    closed = threading.Event()

    def source():
        try:
            yield from range(1_000_000)
        finally:
            closed.set()

    items = prefetch(source(), depth=3)
    assert next(items) == 0
    items.close()
    assert closed.is_set()


def test_a_consumer_that_fails_ends_the_thread():
    def consume():
        for _ in prefetch(iter(int, 1)):
            raise KeyError("consumer")

    with pytest.raises(KeyError):
        consume()


def test_the_thread_is_at_most_depth_items_ahead():
    produced = []
    reached = threading.Event()

    def source():
        for i in range(100):
            produced.append(i)
            if len(produced) == 4:
                reached.set()
            yield i

    items = prefetch(source(), depth=3)
    assert next(items) == 0
    assert reached.wait(10)
    assert not threading.Event().wait(0.05)  # time in which a thread without bound would run on
    assert len(produced) == 4
    items.close()


def test_nothing_is_read_before_the_first_item_is_asked_for():
    items = prefetch(iter([1]))
    assert not reading_threads()
    assert list(items) == [1]


def test_a_depth_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        prefetch([], depth=0)


def test_tensors_are_moved_also_inside_tuples():
    items = list(prefetch([(3, torch.ones(2)), (4, torch.ones(1))], device="meta"))
    assert [(row, tensor.device.type) for row, tensor in items] == [(3, "meta"), (4, "meta")]
    assert next(prefetch([torch.ones(2)], device="meta")).device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_batches_arrive_on_cuda_unchanged():
    batches = [torch.randn(64, 8) for _ in range(20)]
    moved = list(prefetch(iter(batches), depth=3, device="cuda"))
    assert all(b.device.type == "cuda" for b in moved)
    assert all(torch.equal(a, b.cpu()) for a, b in zip(batches, moved, strict=True))
