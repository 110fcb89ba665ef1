"""Rows in a seeded random order at the speed of whole chunks: a block shuffle that resumes anywhere."""

from __future__ import annotations

from collections.abc import Iterator
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

_CHUNKS: Final = 0
_ROWS: Final = 1


@attrs.frozen(eq=False)
class ShuffledStream:
    """Every row of one array once per epoch, in an order that (seed, epoch) decides.

    Chunks come in a permuted order; the rows of each window of `window_chunks` of them are permuted
    together. A batch mixes rows of at least `window_chunks` places of the dataset.

    A thread reads ahead. Memory: `window_chunks * chunk_rows * D` values of the stored dtype, one
    chunk, and four float32 batches.

    Parameters
    ----------
    store: where the rows are
    array: which array of it
    batch_size: rows of every batch but the last
    seed: with the epoch, decides the order; not negative
    window_chunks: more mix better and cost more memory
    device: where batches are yielded
    """

    store: Store
    array: str
    batch_size: int = attrs.field(validator=ge(1))
    seed: int = attrs.field(validator=ge(0))
    window_chunks: int = attrs.field(default=8, validator=ge(1))
    device: torch.device | str = "cpu"

    @property
    def batches_per_epoch(self) -> int:
        """Batches of one epoch, the short last one included."""
        return -(-self.store.header.rows // self.batch_size)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Tensor]:
        """Yield the float32 batches [B, D] of one epoch, from batch `start` on.

        They are the batches that a pass from 0 yields from there; windows before are not read.
        """
        if not 0 <= start <= self.batches_per_epoch:
            raise ValueError(f"an epoch has {self.batches_per_epoch} batches, not a batch {start}")
        pieces = self._pieces(epoch, start * self.batch_size)
        return prefetch(rebatched(pieces, self.batch_size), device=self.device)

    def _pieces(self, epoch: int, skip: int) -> Iterator[Tensor]:
        """The rows of the epoch, but the first `skip`, in gathered pieces of at most a batch."""
        for window, chunks in enumerate(self._windows(epoch)):
            n_rows = int(self._chunk_rows(chunks).sum())
            if skip >= n_rows:
                skip -= n_rows
                continue
            order = self._generator(epoch, _ROWS, window).permutation(n_rows)
            yield from self._gathered(chunks, torch.from_numpy(order[skip:]))
            skip = 0

    def _windows(self, epoch: int) -> Iterator[NDArray[np.int64]]:
        """The chunk numbers of each window of the epoch."""
        header = self.store.header
        n_chunks = -(-header.rows // header.chunk_rows)
        chunks = self._generator(epoch, _CHUNKS, 0).permutation(n_chunks)
        for first in range(0, n_chunks, self.window_chunks):
            yield chunks[first : first + self.window_chunks]

    def _gathered(self, chunks: NDArray[np.int64], order: Tensor) -> Iterator[Tensor]:
        """Read one window, which is freed when this ends, and yield its rows in `order`."""
        header = self.store.header
        sizes = self._chunk_rows(chunks)
        columns = self.store.array(self.array).columns
        window_nd = torch.empty(int(sizes.sum()), columns, dtype=TORCH_DTYPES[header.dtype])
        filled = 0
        for chunk, size in zip(chunks.tolist(), sizes.tolist(), strict=True):
            first = chunk * header.chunk_rows
            window_nd[filled : filled + size] = self.store.read(self.array, first, first + size)
            filled += size
        for rows in torch.split(order, self.batch_size):
            yield window_nd[rows]

    def _chunk_rows(self, chunks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of each chunk; the last chunk of the store may be short."""
        header = self.store.header
        return np.minimum(header.chunk_rows, header.rows - chunks * header.chunk_rows)

    def _generator(self, epoch: int, use: int, window: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, epoch, use, window))
