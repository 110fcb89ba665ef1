"""Where the values of one array lie: a grid of equal chunks, a file each, as zarr v3 names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.stores.entries import Entries
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.shard_memory import Block, Blocks


@attrs.frozen(kw_only=True)
class Cell:
    """The part of one chunk that a read wants: `inside` of the chunk goes to `outside` of the result."""

    file: str
    inside: tuple[slice, slice]
    outside: tuple[slice, slice]


@attrs.frozen(kw_only=True)
class ChunkGrid:
    """One 2-D array in files of [chunk rows, chunk columns]; a file at the edge is padded to that.

    Parameters
    ----------
    array: its name; chunk (i, j) is the file `arrays/<array>/c/<i>/<j>`
    shape: rows and columns of the array
    chunk: rows and columns of a chunk
    """

    array: str
    shape: tuple[int, int]
    chunk: tuple[int, int]

    @classmethod
    def of(cls, header: StoreHeader, array: ArraySpec, chunk_rows: int) -> ChunkGrid:
        """The grid of one array of a store, in chunks of `chunk_rows`."""
        chunk = (chunk_rows, min(header.chunk_columns, array.columns))
        return cls(array=array.name, shape=(header.rows, array.columns), chunk=chunk)

    def cells(self, rows: slice, columns: slice) -> Iterator[Cell]:
        """The parts of chunks that make up the given rows and columns."""
        for i, inside_rows, outside_rows in _parts(rows, self.chunk[0]):
            for j, inside_columns, outside_columns in _parts(columns, self.chunk[1]):
                yield Cell(
                    file=f"arrays/{self.array}/c/{i}/{j}",
                    inside=(inside_rows, inside_columns),
                    outside=(outside_rows, outside_columns),
                )

    def chunks(self, blocks: Sequence[Block], first_row: int) -> Iterator[tuple[str, Block]]:
        """Each chunk of rows from `first_row` on, given in blocks as wide as chunks: its file and values."""
        rows = slice(first_row, first_row + len(blocks[0]))
        for cell in self.cells(rows, slice(0, self.shape[1])):
            block = blocks[cell.outside[1].start // self.chunk[1]]
            yield cell.file, block[cell.outside[0]]


def column_blocks(arrays: Mapping[str, NDArray[Any]], width: int) -> Blocks:
    """Cut the rows of each array into blocks of `width` columns, the last as wide as is left."""
    return {
        name: [rows_nd[:, first : first + width] for first in range(0, rows_nd.shape[1], width)]
        for name, rows_nd in arrays.items()
    }


def padded(block: Block, shape: tuple[int, int]) -> Block:
    """The rows of `block` in C order, with zeros below and to the right as far as `shape` asks for them."""
    if isinstance(block, Entries):
        return block.padded(*shape)
    if block.shape == shape:
        return np.ascontiguousarray(block)
    whole = np.zeros(shape, block.dtype)
    whole[: block.shape[0], : block.shape[1]] = block
    return whole


def _parts(wanted: slice, size: int) -> Iterator[tuple[int, slice, slice]]:
    """Cut `wanted` where chunks of `size` end: number, range within the chunk, range within `wanted`."""
    if wanted.start == wanted.stop:
        return
    for number in range(wanted.start // size, -(-wanted.stop // size)):
        first = max(wanted.start, number * size)
        last = min(wanted.stop, (number + 1) * size)
        yield (
            number,
            slice(first - number * size, last - number * size),
            slice(first - wanted.start, last - wanted.start),
        )
