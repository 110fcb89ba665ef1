"""The fast lane: a shard is one file of plain little-endian values per array.

Each array is also a valid zarr v3 array without codecs, whose chunks are the shards. Files carry no
checksums of their own: a flipped bit is found by `traits verify`, against the manifest, and not by
reading. A file that is missing or cut short is an error whenever it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import StoreError
from traits_core.stores.backends.chunk_grid import ChunkGrid, column_blocks
from traits_core.stores.backends.chunk_io import create_chunk, fill, open_chunk, past_cache, pieces
from traits_core.stores.backends.raw_config import RawConfig
from traits_core.stores.backends.zarr_arrays import codec_names, create_array
from traits_core.stores.dtypes import NUMPY_DTYPES
from traits_core.stores.files import StoredFile
from traits_core.stores.header import ArraySpec, Layout, StoreHeader
from traits_core.stores.layout import plan_layout
from traits_core.stores.shard_memory import Blocks, DenseShard, ShardMemory, in_full


@attrs.frozen
class RawStorage:
    """One file per shard, array and block of columns, in C order; bfloat16 as uint16."""

    config: RawConfig

    @property
    def dtype(self) -> str:
        """The dtype that activations are stored in."""
        return self.config.dtype

    def plan(self, kind: str, rows: int, positions: int, arrays: Sequence[ArraySpec]) -> Layout:
        """Shards that end with the store: the last file is padded to the length of the others."""
        layout = plan_layout(
            kind,
            rows,
            positions,
            arrays,
            chunk_rows=self.config.chunk_rows,
            rows_per_shard=self.config.rows_per_shard,
        )
        needed = -(-rows // layout.chunk_rows) * layout.chunk_rows
        return attrs.evolve(layout, rows_per_shard=min(layout.rows_per_shard, needed))

    def create(self, root: Path, header: StoreHeader) -> None:
        """Write the metadata that zarr readers need."""
        for grid in _grids(header):
            create_array(root, grid, header.dtype, codecs=())

    def write_shard(
        self, staging: Path, header: StoreHeader, shard: int, arrays: Mapping[str, NDArray[Any]]
    ) -> Sequence[str]:
        """Write the files of one shard; the padding of the last one is a hole."""
        blocks = column_blocks(arrays, header.chunk_columns)
        return [file.name for file in self.write_chunks(staging, header, shard, blocks)]

    def memory(self, header: StoreHeader) -> ShardMemory:
        """All values, as they lie in files."""
        return DenseShard(header)

    def write_chunks(
        self, staging: Path, header: StoreHeader, shard: int, arrays: Blocks
    ) -> Sequence[StoredFile]:
        """The same; return the files with their checksums."""
        files = []
        direct = past_cache(header)
        for grid in _grids(header):
            for file, block in grid.chunks(arrays[grid.array], shard * header.rows_per_shard):
                values = in_full(block)
                size = values.itemsize * grid.chunk[0] * grid.chunk[1]
                with create_chunk(staging, file, direct) as out:
                    for piece in pieces(values, (len(values), grid.chunk[1]), direct):
                        out.write(piece)
                    out.pad(size)
                files.append(out.stored)
        return files

    def open(self, root: Path, header: StoreHeader) -> RawReader:
        """Open the arrays; StoreError when their metadata is not what the header asks for."""
        grids = {grid.array: grid for grid in _grids(header)}
        for grid in grids.values():
            if codecs := codec_names(root, grid, header.dtype):
                raise StoreError(f"arrays/{grid.array} has codecs {codecs}, raw values have none")
        return RawReader(root, grids, NUMPY_DTYPES[header.dtype])


@attrs.frozen(eq=False)
class RawReader:
    """Reads rows of the arrays of one store, and no byte beside them."""

    root: Path
    grids: Mapping[str, ChunkGrid]
    dtype: np.dtype[Any]

    def read(self, array: str, start: int, stop: int, columns: slice) -> NDArray[Any]:
        """Rows [start, stop) of one array, in the stored dtype; StoreError when bytes are missing."""
        grid = self.grids[array]
        width = grid.chunk[1]
        wanted = np.empty((stop - start, columns.stop - columns.start), self.dtype)
        for cell in grid.cells(slice(start, stop), columns):
            rows, inside = cell.inside
            target = wanted[cell.outside]
            in_place = target.flags.c_contiguous and target.shape[1] == width
            values = target if in_place else np.empty((len(target), width), self.dtype)
            with open_chunk(self.root, cell.file) as file:
                file.seek(rows.start * width * self.dtype.itemsize)
                fill(values, file)
            if not in_place:
                target[...] = values[:, inside]
        return wanted


def _grids(header: StoreHeader) -> list[ChunkGrid]:
    return [ChunkGrid.of(header, array, header.rows_per_shard) for array in header.arrays]
