"""Stores as zarr v3 arrays, `arrays/<name>`, that any zarr reader opens.

zarr writes the metadata, and chunks are written and read here: zarr's own reader gives fill values
for a missing chunk, its writer leaves out chunks of zeros, and both take several times as long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import StoreError
from traits_core.stores.backends.chunk_grid import ChunkGrid, column_blocks
from traits_core.stores.backends.chunk_io import past_cache
from traits_core.stores.backends.zarr_arrays import codec_names, create_array
from traits_core.stores.backends.zarr_chunks import read_chunk, write_chunk
from traits_core.stores.backends.zarr_codecs import LZ4, PLAIN, SPARSE, ZSTD, ChunkCodec
from traits_core.stores.backends.zarr_config import ZarrConfig
from traits_core.stores.dtypes import NUMPY_DTYPES
from traits_core.stores.files import StoredFile
from traits_core.stores.header import ArraySpec, Layout, StoreHeader
from traits_core.stores.layout import plan_layout
from traits_core.stores.shard_entries import SparseShard
from traits_core.stores.shard_memory import Blocks, DenseShard, ShardMemory


@attrs.frozen
class ZarrStorage:
    """zarr v3 in chunks with crc32c, one file a chunk; bfloat16 as uint16 with an attribute."""

    config: ZarrConfig
    codec: ClassVar[ChunkCodec] = PLAIN

    @property
    def dtype(self) -> str:
        """The dtype that activations are stored in."""
        return self.config.dtype

    def plan(self, kind: str, rows: int, positions: int, arrays: Sequence[ArraySpec]) -> Layout:
        """Chunks of about `chunk_rows` rows and whole examples; see `plan_layout`."""
        return plan_layout(
            kind,
            rows,
            positions,
            arrays,
            chunk_rows=self.config.chunk_rows,
            rows_per_shard=self.config.rows_per_shard,
        )

    def create(self, root: Path, header: StoreHeader) -> None:
        """Write the metadata of each array."""
        for grid in _grids(header):
            create_array(root, grid, header.dtype, self.codec.zarr)

    def write_shard(
        self, staging: Path, header: StoreHeader, shard: int, arrays: Mapping[str, NDArray[Any]]
    ) -> Sequence[str]:
        """Write the chunks of one shard, also those of zeros; return the chunk files."""
        blocks = column_blocks(arrays, header.chunk_columns)
        return [file.name for file in self.write_chunks(staging, header, shard, blocks)]

    def memory(self, header: StoreHeader) -> ShardMemory:
        """All values, as they lie in chunks."""
        return DenseShard(header)

    def write_chunks(
        self, staging: Path, header: StoreHeader, shard: int, arrays: Blocks
    ) -> Sequence[StoredFile]:
        """The same; return the chunk files with their checksums."""
        files = []
        direct = past_cache(header)
        for grid in _grids(header):
            for file, values in grid.chunks(arrays[grid.array], shard * header.rows_per_shard):
                compressor = self.codec.compressor
                files.append(write_chunk(staging, file, values, grid.chunk, compressor, direct))
        return files

    def open(self, root: Path, header: StoreHeader) -> ZarrReader:
        """Open the arrays; StoreError when their metadata is not what the header asks for."""
        grids = {grid.array: grid for grid in _grids(header)}
        for grid in grids.values():
            names = codec_names(root, grid, header.dtype)
            if names != self.codec.names:
                raise StoreError(f"arrays/{grid.array} is in {names}, expected {self.codec.names}")
        return ZarrReader(root, grids, NUMPY_DTYPES[header.dtype], self.codec)


class ZarrLz4Storage(ZarrStorage):
    """The same with chunks compressed by lz4 after bitshuffle: little smaller, and still fast."""

    codec = LZ4


class ZarrZstdStorage(ZarrStorage):
    """The same with chunks compressed by zstd: for rows of many zeros that any zarr reader opens."""

    codec = ZSTD


class ZarrSparseStorage(ZarrStorage):
    """The same with chunks of the values that are not 0: smaller and faster where few are not."""

    codec = SPARSE

    def memory(self, header: StoreHeader) -> ShardMemory:
        """The values that are not 0."""
        return SparseShard(header)


@attrs.frozen(eq=False)
class ZarrReader:
    """Reads rows of the arrays of one store: whole chunks, each checked against its crc32c."""

    root: Path
    grids: Mapping[str, ChunkGrid]
    dtype: np.dtype[Any]
    codec: ChunkCodec

    def read(self, array: str, start: int, stop: int, columns: slice) -> NDArray[Any]:
        """Rows [start, stop) of one array, in the stored dtype.

        Raises StoreError when a chunk is missing or damaged.
        """
        grid = self.grids[array]
        wanted = np.empty((stop - start, columns.stop - columns.start), self.dtype)
        for cell in grid.cells(slice(start, stop), columns):
            target = wanted[cell.outside]
            in_place = target.flags.c_contiguous and target.shape == grid.chunk
            chunk = target if in_place else np.empty(grid.chunk, self.dtype)
            read_chunk(self.root, cell.file, chunk, self.codec.compressor)
            if not in_place:
                target[...] = chunk[cell.inside]
        return wanted


def _grids(header: StoreHeader) -> list[ChunkGrid]:
    return [ChunkGrid.of(header, array, header.chunk_rows) for array in header.arrays]
