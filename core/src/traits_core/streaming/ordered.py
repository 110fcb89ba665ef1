"""Rows in their own order, for scoring: every chunk is read once, whatever the batch size."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import torch
from torch import Tensor

from traits_core.stores.reader import Store
from traits_core.streaming.prefetch import prefetch
from traits_core.streaming.rebatch import rebatched


def ordered_batches(
    store: Store,
    array: str,
    rows_per_batch: int,
    start_row: int = 0,
    stop_row: int | None = None,
    device: torch.device | str = "cpu",
) -> Iterator[tuple[int, Tensor]]:
    """Yield (first row, float32 batch [B, D] on `device`) over the rows [start_row, stop_row).

    Only the last batch is short. A thread reads ahead. Memory: one chunk and four batches.

    Raises StoreError when the rows are not there.
    """
    stop = store.header.rows if stop_row is None else stop_row
    chunks = _chunks(store, array, start_row, stop)
    batches = rebatched(chunks, (stop - start_row, store.array(array).columns), rows_per_batch)
    first_rows = count(start_row, rows_per_batch)
    return prefetch(zip(first_rows, batches, strict=False), device=device)


def _chunks(store: Store, array: str, start: int, stop: int) -> Iterator[Tensor]:
    """The rows [start, stop), cut where chunks end."""
    while start < stop:
        end = min(stop, (start // store.header.chunk_rows + 1) * store.header.chunk_rows)
        yield store.read(array, start, end)
        start = end
