"""Let a thread read ahead, so that the disk works while the consumer computes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Any, TypeVar

import attrs
import torch
from torch import Tensor

T = TypeVar("T")


@attrs.frozen
class _Failure:
    error: BaseException


_END = object()


def prefetch(
    iterable: Iterable[T], depth: int = 2, device: torch.device | str | None = None
) -> Iterator[T]:
    """Yield what `iterable` yields, produced by one thread that is up to `depth` items ahead.

    What the thread raises is raised here. When the consumer stops early (`break`, `close()`, an
    error), the thread ends after the item that it is at, and `iterable` is closed.

        for batch_bd in prefetch(stream.batches(epoch), device=device): ...

    Parameters
    ----------
    iterable: tensors, or tuples with tensors among their items
    depth: items that wait at most, the one being produced included
    device: where tensors are moved; for CUDA the thread pins them and the copy is not waited for
    """
    if depth < 1:
        raise ValueError(f"depth must be at least 1, got {depth}")
    return _consume(iterable, depth, None if device is None else torch.device(device))


def _consume(iterable: Iterable[T], depth: int, device: torch.device | None) -> Iterator[T]:
    items: SimpleQueue[Any] = SimpleQueue()
    slots = threading.Semaphore(depth)
    stopped = threading.Event()
    pin = device is not None and device.type == "cuda"

    def produce() -> None:
        iterator: Iterator[Any] = iter(())  # what to close when iter() itself fails
        try:
            iterator = iter(iterable)
            while slots.acquire() and not stopped.is_set():
                item = next(iterator, _END)
                items.put(_on_tensors(Tensor.pin_memory, item) if pin else item)
                if item is _END:
                    return
        except BaseException as error:
            items.put(_Failure(error))
        finally:
            getattr(iterator, "close", lambda: None)()

    thread = threading.Thread(target=produce, name="traits-prefetch", daemon=True)
    thread.start()
    try:
        while (item := items.get()) is not _END:
            slots.release()
            if isinstance(item, _Failure):
                raise item.error
            yield item if device is None else _on_tensors(_mover(device), item)
    finally:
        stopped.set()
        slots.release()
        thread.join()


def _mover(device: torch.device) -> Callable[[Tensor], Tensor]:
    return lambda tensor: tensor.to(device, non_blocking=True)


def _on_tensors(function: Callable[[Tensor], Tensor], item: Any) -> Any:
    """Apply `function` to a tensor, or to the tensors of a tuple."""
    if isinstance(item, Tensor):
        return function(item)
    if isinstance(item, tuple):
        return tuple(_on_tensors(function, part) for part in item)
    return item
