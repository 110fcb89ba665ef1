"""The rows of one shard before they are files: the bytes of each chunk already lie as they will in its file."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import attrs
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from traits_core.stores.dtypes import NUMPY_DTYPES, decode
from traits_core.stores.entries import Entries
from traits_core.stores.header import ArraySpec, StoreHeader

Block = NDArray[Any] | Entries
Blocks = Mapping[str, Sequence[Block]]
"""Rows of each array in the stored dtype, cut into blocks of `StoreHeader.chunk_columns` columns."""
PIECE: Final = 1 << 17
"""Values that stay in a core's cache while they are measured and copied."""


class RowsMemory(Protocol):
    """Some rows of a shard, to be put by one thread."""

    def put(self, array: str, column: int, values_bk: Tensor, above: float | None) -> Tensor:
        """Round values [rows, K] to the stored dtype, from `column` on, or how far they are `above`, or 0.

        Return the extremes of what was kept, before it was rounded; NaN where it has one.
        """


class ShardMemory(Protocol):
    """Memory for the rows of the longest shard of a store, in the stored dtype."""

    def rows(self, rows: slice) -> RowsMemory:
        """Where these rows go, instead of any that were put there and never taken."""

    def blocks(self, rows: int) -> Blocks:
        """Take the first rows, which were put whole."""

    def clear(self) -> None:
        """Be ready for another shard."""


class DenseShard:
    """All values, in blocks [rows, up to `header.chunk_columns` columns] in C order.

    Blocks begin where pages do, so that the disk can take them without a copy.
    """

    def __init__(self, header: StoreHeader) -> None:
        self._header = header
        rows, dtype = min(header.rows_per_shard, header.rows), NUMPY_DTYPES[header.dtype]
        self._blocks = {
            array.name: [_at_page(rows, width, dtype) for width in block_widths(header, array)]
            for array in header.arrays
        }

    def rows(self, rows: slice) -> RowsMemory:
        """Views of them."""
        return _DenseRows(self._header, self._views(rows))

    def blocks(self, rows: int) -> Blocks:
        """Views of them."""
        return self._views(slice(rows))

    def clear(self) -> None:
        """Nothing: every value of the next shard is put."""

    def _views(self, rows: slice) -> Mapping[str, Sequence[NDArray[Any]]]:
        return {name: [block[rows] for block in blocks] for name, blocks in self._blocks.items()}


@attrs.frozen(eq=False)
class _DenseRows:
    header: StoreHeader
    blocks: Mapping[str, Sequence[NDArray[Any]]]

    def put(self, array: str, column: int, values_bk: Tensor, above: float | None) -> Tensor:
        """Each value is looked at once, and copied once."""
        ends: list[Tensor] = []
        for number, inside, among in block_columns(self.header, column, values_bk.shape[1]):
            target_bk = decode(self.blocks[array][number][:, inside], self.header.dtype)
            n = max(1, PIECE // target_bk.shape[1])
            pieces = zip(
                torch.split(values_bk[:, among], n), torch.split(target_bk, n), strict=True
            )
            for piece, into in pieces:
                ends += torch.aminmax(piece)
                if above is None:
                    into.copy_(piece)
                else:
                    torch.sub(piece, above, out=into).clamp_(min=0)
        return beyond(torch.stack(ends), above)


def in_full(block: Block) -> NDArray[Any]:
    """Rows in full length."""
    return block.dense() if isinstance(block, Entries) else block


def beyond(values: Tensor, above: float | None) -> Tensor:
    """What is kept of values: all of them, or how far they are above one, or 0."""
    return values if above is None else (values - above).clamp_(min=0)


def block_widths(header: StoreHeader, array: ArraySpec) -> list[int]:
    """The columns of each block of an array."""
    width = header.chunk_columns
    return [min(width, array.columns - first) for first in range(0, array.columns, width)]


def block_columns(
    header: StoreHeader, column: int, columns: int
) -> Iterator[tuple[int, slice, slice]]:
    """Where so many columns, from `column` on, lie: number of a block, columns in it, and among these."""
    width = header.chunk_columns
    for number in range(column // width, -(-(column + columns) // width)):
        first = max(column, number * width)
        last = min(column + columns, (number + 1) * width)
        yield (
            number,
            slice(first - number * width, last - number * width),
            slice(first - column, last - column),
        )


def _at_page(rows: int, columns: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    n_bytes = rows * columns * dtype.itemsize
    memory = np.empty(n_bytes + mmap.PAGESIZE, np.uint8)
    start = -memory.ctypes.data % mmap.PAGESIZE
    return memory[start : start + n_bytes].view(dtype).reshape(rows, columns)
