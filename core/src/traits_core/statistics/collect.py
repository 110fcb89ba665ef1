"""One pass over the rows of a store, in order, into their statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from traits_core.errors import DataError, StoreError
from traits_core.progress import Progress, Silent
from traits_core.statistics.duplicates import RowHashes, hash_rows
from traits_core.statistics.moments import Moments
from traits_core.statistics.norms import Norms, row_norms
from traits_core.statistics.positions import PositionNorms
from traits_core.statistics.statistics import Statistics, Subject
from traits_core.stores.reader import Store
from traits_core.streaming.ordered import ordered_batches

BATCH_VALUES: Final = 1 << 22
BLOCK_ROWS: Final = 1 << 18
"""Norms and hashes of this many rows are gathered before they are merged: merging sorts."""


def collect(
    store: Store,
    array: str,
    start: int = 0,
    stop: int | None = None,
    covariance: bool = False,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Statistics:
    """The statistics of the rows [start, stop) of one array, on the CPU.

    Memory: one chunk and five batches of 16 MiB, 32 MiB of hashes; with `covariance`, three float64
    matrices of D x D and two more batches. `device` computes moments and covariance.

    Raises StoreError for a store of scores, an empty range, and rows that are not there; DataError
    when a value is NaN or infinite.
    """
    header = store.header
    stop = header.rows if stop is None else stop
    if header.kind != "activations":
        raise StoreError(f"{store.root} holds {header.kind}: statistics are of activations")
    if not 0 <= start < stop <= header.rows:
        raise StoreError(f"{store.root}: no rows {start} to {stop}, there are {header.rows}")
    label = f"statistics of {header.dataset}/{header.split} {array}"
    with (progress or Silent()).track(label, stop - start, "rows") as advance:
        blocks = (
            _block(store, array, first, min(first + BLOCK_ROWS, stop), covariance, device, advance)
            for first in range(start, stop, BLOCK_ROWS)
        )
        return reduce(Statistics.merge, blocks)


def subject_of(store: Store, array: str) -> Subject:
    """What the statistics of one array of `store` are of."""
    header = store.header
    return Subject(
        store=store.digest,
        array=array,
        feature=store.array(array).feature,
        dataset=header.dataset,
        split=header.split,
        rows=header.rows,
        positions=header.positions,
    )


def _block(
    store: Store,
    array: str,
    start: int,
    stop: int,
    covariance: bool,
    device: torch.device | str,
    advance: Callable[[int], None],
) -> Statistics:
    norms: list[Tensor] = []
    hashes: list[NDArray[np.uint64]] = []

    def moments() -> Iterator[Moments]:
        batch_rows = max(1, BATCH_VALUES // store.array(array).columns)
        for first, rows_nd in ordered_batches(store, array, batch_rows, start, stop):
            norms.append(row_norms(rows_nd))
            hashes.append(hash_rows(rows_nd))
            _refuse_nonfinite(store, array, first, norms[-1])
            yield Moments.of(rows_nd.to(device), covariance)
            advance(len(rows_nd))

    whole = reduce(Moments.merge, moments())
    norms_n = torch.cat(norms)
    return Statistics(
        subject=subject_of(store, array),
        parts=((start, stop),),
        moments=whole.to("cpu"),
        norms=Norms.of(norms_n),
        positions=PositionNorms.of(norms_n, start, store.header.positions),
        duplicates=RowHashes.of(np.concatenate(hashes)),
    )


def _refuse_nonfinite(store: Store, array: str, first: int, norms_n: Tensor) -> None:
    bad = (~norms_n.isfinite()).nonzero()[:, 0]
    if len(bad):
        raise DataError(
            f"{store.root}: array {array!r}, row {first + int(bad[0])}: NaN or infinity "
            f"({len(bad)} such rows in this batch); extract these activations again"
        )
