"""Windows of a shuffle: the places they are read from, and threads that read the next one ahead."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import attrs
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from traits_core.stores.dtypes import TORCH_DTYPES
from traits_core.stores.reader import Store

READERS: Final = 2
"""Threads that read: one is not enough for a network disk."""


@attrs.frozen(eq=False)
class Window:
    """Rows that are in memory together, and the order in which they leave it.

    Parameters
    ----------
    ranges: int64 [pieces, 2], rows [start, stop) of the store, one range per chunk
    order: int64 [rows], places in the concatenation of the ranges
    """

    ranges: NDArray[np.int64]
    order: NDArray[np.int64]

    @property
    def row_ids(self) -> NDArray[np.int64]:
        """The rows of the store in the order in which they leave: int64 [rows]."""
        return np.concatenate([np.arange(*pair) for pair in self.ranges])[self.order]


def read_windows(
    store: Store, array: str, windows: Iterable[Window], max_rows: int
) -> Generator[tuple[Window, Tensor], None, None]:
    """Yield each window with the rows of its ranges [n, D], in the stored dtype.

    While one is used, threads read the next. Memory: two windows of `max_rows` rows, and a chunk per
    thread. The rows of a window are overwritten as soon as the next one is asked for.
    """
    columns, dtype = store.array(array).columns, TORCH_DTYPES[store.header.dtype]
    buffers = [torch.empty(max_rows, columns, dtype=dtype) for _ in range(2)]
    pool = ThreadPoolExecutor(READERS, thread_name_prefix="traits-read")

    def begin(number: int, window: Window) -> _Reading:
        parts, filled = [], 0
        for start, stop in window.ranges.tolist():
            target = buffers[number % 2][filled : filled + stop - start]
            parts.append(pool.submit(_read, store, array, start, stop, target))
            filled += stop - start
        return _Reading(window, buffers[number % 2][:filled], parts)

    try:
        ahead: _Reading | None = None
        for number, window in enumerate(windows):
            current, ahead = ahead, begin(number, window)
            if current:
                yield current.finish()
        if ahead:
            yield ahead.finish()
    finally:
        pool.shutdown(cancel_futures=True)


@attrs.frozen
class _Reading:
    window: Window
    rows_nd: Tensor
    parts: list[Future[None]]

    def finish(self) -> tuple[Window, Tensor]:
        for part in self.parts:
            part.result()
        return self.window, self.rows_nd


def _read(store: Store, array: str, start: int, stop: int, target: Tensor) -> None:
    target.copy_(store.read(array, start, stop))
