"""Rows in a seeded random order at the speed of whole chunks: a block shuffle that resumes anywhere."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Final

import attrs
import numpy as np
import torch
from attrs.validators import ge
from numpy.typing import NDArray
from torch import Tensor

from traits_core.stores.dtypes import TORCH_DTYPES
from traits_core.stores.reader import Store
from traits_core.streaming.prefetch import prefetch
from traits_core.streaming.rebatch import rebatched
from traits_core.streaming.windows import Window, read_windows

_CHUNKS: Final = 0
_ROWS: Final = 1
_GATHERED: Final = 512
"""Rows that are gathered at once: few enough to be still in the cache when they become float32."""


def _below_world_size(stream: ShuffledStream, field: attrs.Attribute[int], value: int) -> None:
    if not 0 <= value < stream.world_size:
        raise ValueError(f"rank must be from 0 to {stream.world_size - 1}, got {value}")


@attrs.frozen(eq=False)
class ShuffledStream:
    """Every row of one array once per epoch, in an order that (seed, epoch) decides.

    Chunks come in a permuted order; the rows of each window of `window_chunks` of them are permuted
    together. A batch mixes rows of at least `window_chunks` places of the dataset; `measure_mixing`
    says how well.

    Of `world_size` workers, each takes an equal part of the permuted chunks, to the row: the parts
    are disjoint and complete. They differ by one row at most, so that some workers may have a batch
    more than others.

    Threads read ahead. Memory: two windows of `window_chunks * chunk_rows * D` values of the stored
    dtype, two chunks, and four float32 batches.

    Parameters
    ----------
    store: where the rows are
    array: which array of it
    batch_size: rows of every batch but the last
    seed: with the epoch, decides the order; not negative
    window_chunks: more mix better and cost more memory
    device: where batches are yielded
    world_size: workers that share each epoch
    rank: which of them this is
    """

    store: Store
    array: str
    batch_size: int = attrs.field(validator=ge(1))
    seed: int = attrs.field(validator=ge(0))
    window_chunks: int = attrs.field(default=8, validator=ge(1))
    device: torch.device | str = "cpu"
    world_size: int = attrs.field(default=1, validator=ge(1))
    rank: int = attrs.field(default=0, validator=_below_world_size)

    @property
    def rows_per_epoch(self) -> int:
        """Rows that this worker yields in one epoch."""
        first, last = self._share
        return last - first

    @property
    def batches_per_epoch(self) -> int:
        """Batches of one epoch of this worker, the short last one included."""
        return -(-self.rows_per_epoch // self.batch_size)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Tensor]:
        """Yield the float32 batches [B, D] of one epoch, from batch `start` on.

        They are the batches that a pass from 0 yields from there; windows before are not read.
        """
        if not 0 <= start <= self.batches_per_epoch:
            raise ValueError(f"an epoch has {self.batches_per_epoch} batches, not a batch {start}")
        skip = min(start * self.batch_size, self.rows_per_epoch)
        return prefetch(self._batches(epoch, skip), device=self.device)

    def row_ids(self, epoch: int) -> Iterator[NDArray[np.int64]]:
        """Yield the row numbers of each batch of one epoch: int64 [B]; nothing is read."""
        held = np.empty(0, np.int64)
        for window in self._windows(epoch, 0):
            held = np.concatenate([held, window.row_ids])
            while len(held) >= self.batch_size:
                yield held[: self.batch_size]
                held = held[self.batch_size :]
        if len(held):
            yield held

    def _batches(self, epoch: int, skip: int) -> Generator[Tensor, None, None]:
        with closing(self._gathered(epoch, skip)) as pieces:
            shape = (self.rows_per_epoch - skip, self.store.array(self.array).columns)
            yield from rebatched(pieces, shape, self.batch_size)

    def _gathered(self, epoch: int, skip: int) -> Generator[Tensor, None, None]:
        """The rows of the epoch, but the first `skip`, in pieces that share their memory."""
        header = self.store.header
        columns, dtype = self.store.array(self.array).columns, TORCH_DTYPES[header.dtype]
        piece_nd = torch.empty(_GATHERED, columns, dtype=dtype)
        max_rows = min(self.window_chunks * header.chunk_rows, self.rows_per_epoch)
        windows = read_windows(self.store, self.array, self._windows(epoch, skip), max_rows)
        with closing(windows):
            for window, window_nd in windows:
                for rows in torch.split(torch.from_numpy(window.order), _GATHERED):
                    yield torch.index_select(window_nd, 0, rows, out=piece_nd[: len(rows)])

    def _windows(self, epoch: int, skip: int) -> Iterator[Window]:
        """The windows of the epoch that are left when `skip` rows are skipped."""
        ranges = self._ranges(epoch)
        for number, first in enumerate(range(0, len(ranges), self.window_chunks)):
            window = ranges[first : first + self.window_chunks]
            n_rows = int((window[:, 1] - window[:, 0]).sum())
            if skip < n_rows:
                order = self._generator(epoch, _ROWS, self.rank, number).permutation(n_rows)
                yield Window(window, order[skip:])
            skip = max(0, skip - n_rows)

    def _ranges(self, epoch: int) -> NDArray[np.int64]:
        """The rows [start, stop) of the chunks of this worker, in their order: int64 [chunks, 2]."""
        rows, size = self.store.header.rows, self.store.header.chunk_rows
        starts = self._generator(epoch, _CHUNKS).permutation(-(-rows // size)) * size
        stops = np.minimum(starts + size, rows)
        ends = np.cumsum(stops - starts)  # of each chunk among the rows of all workers
        first, last = self._share
        starts += np.maximum(0, first - (ends - (stops - starts)))
        stops -= np.maximum(0, ends - last)
        return np.stack([starts, stops], axis=1)[starts < stops]

    @property
    def _share(self) -> tuple[int, int]:
        rows = self.store.header.rows
        return self.rank * rows // self.world_size, (self.rank + 1) * rows // self.world_size

    def _generator(self, epoch: int, *use: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, epoch, *use))
