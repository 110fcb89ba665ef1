"""The rows of one shard before they are files: the bytes of each chunk already lie as they will in its file."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from traits_core.stores.dtypes import NUMPY_DTYPES, decode
from traits_core.stores.header import StoreHeader

Blocks = Mapping[str, Sequence[NDArray[Any]]]
"""Rows of each array in the stored dtype, cut into blocks of `StoreHeader.chunk_columns` columns, in C order."""


@attrs.frozen(eq=False)
class ShardMemory:
    """Rows in the stored dtype: of each array, blocks [rows, up to `header.chunk_columns` columns].

    Blocks begin where pages do, so that the disk can take them without a copy.
    """

    header: StoreHeader
    blocks: Blocks

    @classmethod
    def empty(cls, header: StoreHeader) -> Self:
        """Uninitialised memory for the longest shard of a store."""
        rows, width = min(header.rows_per_shard, header.rows), header.chunk_columns
        dtype = NUMPY_DTYPES[header.dtype]
        return cls(
            header,
            {
                array.name: [
                    _at_page(rows, min(width, array.columns - first), dtype)
                    for first in range(0, array.columns, width)
                ]
                for array in header.arrays
            },
        )

    def first(self, rows: int) -> Blocks:
        """The first rows of every block."""
        return {name: [block[:rows] for block in blocks] for name, blocks in self.blocks.items()}

    def places(self, array: str, rows: slice, columns: slice) -> Iterator[tuple[Tensor, slice]]:
        """What these rows and columns are in each block, in the stored dtype, and which columns of them."""
        width = self.header.chunk_columns
        for number in range(columns.start // width, -(-columns.stop // width)):
            first = max(columns.start, number * width)
            last = min(columns.stop, (number + 1) * width)
            block = self.blocks[array][number][rows, first - number * width : last - number * width]
            yield (
                decode(block, self.header.dtype),
                slice(first - columns.start, last - columns.start),
            )


def _at_page(rows: int, columns: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    n_bytes = rows * columns * dtype.itemsize
    memory = np.empty(n_bytes + mmap.PAGESIZE, np.uint8)
    start = -memory.ctypes.data % mmap.PAGESIZE
    return memory[start : start + n_bytes].view(dtype).reshape(rows, columns)
