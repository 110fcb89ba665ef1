"""Reading the kept tokens of a folder of chunks, across their borders."""

from __future__ import annotations

from bisect import bisect_right
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traits_core.stores.dtypes import NUMPY_DTYPES
from traits_core.stores.formats.npz_chunk import Chunk, load_index, load_rows


class NpzReader:
    """Reads kept tokens. A chunk is inflated whole, and the last two are remembered."""

    def __init__(self, chunks: tuple[Chunk, ...]) -> None:
        self.chunks = chunks
        self.starts = np.cumsum([0, *(chunk.kept for chunk in chunks)]).tolist()
        self.sequences = np.cumsum([0, *(chunk.shape[0] for chunk in chunks)]).tolist()
        self._recent: dict[int, NDArray[Any]] = {}
        self._lock = Lock()

    def read(self, array: str, start: int, stop: int, columns: slice = slice(None)) -> NDArray[Any]:
        """Rows [start, stop) in the stored dtype: a copy, which is the caller's to change."""
        first_chunk = self.chunks[0]
        rows_nd = np.empty((stop - start, first_chunk.shape[2]), NUMPY_DTYPES[first_chunk.dtype])
        out_nd = rows_nd[:, columns]
        filled = 0
        for i, first, last in self._parts(start, stop):
            out_nd[filled : filled + last - first] = self._rows(i)[first:last, columns]
            filled += last - first
        return out_nd

    def index(self, start: int, stop: int) -> NDArray[np.int64]:
        """Example, position, token id of the rows [start, stop)."""
        parts = []
        for i, first, last in self._parts(start, stop):
            part = load_index(self.chunks[i])[first:last]
            part[:, 0] += self.sequences[i]
            parts.append(part)
        return np.concatenate(parts)

    def _parts(self, start: int, stop: int) -> list[tuple[int, int, int]]:
        """(chunk, first row, last row) of the pieces of [start, stop)."""
        parts = []
        i = bisect_right(self.starts, start) - 1
        while start < stop:
            end = min(stop, self.starts[i + 1])
            if end > start:
                parts.append((i, start - self.starts[i], end - self.starts[i]))
            start, i = end, i + 1
        return parts

    def _rows(self, i: int) -> NDArray[Any]:
        with self._lock:
            if i not in self._recent:
                while len(self._recent) > 1:
                    del self._recent[next(iter(self._recent))]
                self._recent[i] = load_rows(self.chunks[i])
            return self._recent[i]
