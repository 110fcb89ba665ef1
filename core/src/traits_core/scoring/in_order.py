"""A function of each item, in the order of the items, while threads are at work on the next ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

import torch

S = TypeVar("S")
T = TypeVar("T")

MOST: Final = 8
"""Threads, each of which has an item in memory."""


def in_order(
    function: Callable[[S], T], items: Iterable[S], device: torch.device
) -> Generator[T, None, None]:
    """Yield `function(item)` of each item; on a CPU, of up to eight items at once.

    Each has its share of torch's threads, until the generator ends or is closed. They never wait for
    one another, as the threads of one operation do: a core that writes files meanwhile holds up one of
    them only. Nor do they wait while the caller is at work for a moment. Memory: two items for each
    thread, and one.
    """
    intra = torch.get_num_threads()
    threads = min(intra, MOST) if device.type == "cpu" else 1
    share = intra // threads
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(threads, "traits-score", torch.set_num_threads, (share,))
    try:
        torch.set_num_threads(share)
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(intra)  # after a thread that has just begun, and sets it too
