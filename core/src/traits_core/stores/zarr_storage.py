"""Stores as zarr v3 arrays, `arrays/<name>`, that any zarr reader opens.

zarr reads a missing chunk as fill values. Here it is an error: chunks of zeros are always written,
and the reader's store raises for a chunk that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import ByteRequest
from zarr.codecs import BytesCodec, Crc32cCodec
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore, WrapperStore

from traits_core.errors import StoreError
from traits_core.stores.dtypes import NUMPY_DTYPES
from traits_core.stores.header import ArraySpec, Layout, StoreHeader
from traits_core.stores.zarr_config import ZarrConfig

SCORE_COLUMNS: Final = 512
"""Columns of a chunk of scores: a probe reads all rows of a block of prototypes."""
MAX_SHARD_BYTES: Final = 256 * 2**20
"""A shard is kept in memory until it is committed."""


@attrs.frozen
class ZarrStorage:
    """zarr v3 in chunks with crc32c, one file a chunk; bfloat16 as uint16 with an attribute."""

    config: ZarrConfig

    @property
    def dtype(self) -> str:
        """The dtype that activations are stored in."""
        return self.config.dtype

    def plan(self, kind: str, rows: int, positions: int, arrays: Sequence[ArraySpec]) -> Layout:
        """Chunks of about `chunk_rows` rows and whole examples; shards of at most 256 MiB.

        Chunks of activations hold whole rows, chunks of scores blocks of 512 prototypes.
        """
        row_bytes = 4 * sum(array.columns for array in arrays)
        budget = max(1, MAX_SHARD_BYTES // row_bytes)
        chunk_rows = min(self.config.chunk_rows, rows, budget)
        if chunk_rows >= positions:
            chunk_rows -= chunk_rows % positions
        widest = max(array.columns for array in arrays)
        chunks = max(1, min(self.config.rows_per_shard, budget) // chunk_rows)
        return Layout(
            rows_per_shard=chunks * chunk_rows,
            chunk_rows=chunk_rows,
            chunk_columns=widest if kind == "activations" else min(widest, SCORE_COLUMNS),
        )

    def create(self, root: Path, header: StoreHeader) -> None:
        """Write the metadata of each array."""
        for array in header.arrays:
            _create_array(root, header, array)

    def write_shard(
        self, staging: Path, header: StoreHeader, shard: int, arrays: Mapping[str, NDArray[Any]]
    ) -> Sequence[str]:
        """Write the chunks of one shard into arrays of the same metadata; return the chunk files."""
        start = shard * header.rows_per_shard
        for array in header.arrays:
            values = arrays[array.name]
            _create_array(staging, header, array)[start : start + len(values)] = values
        return [file.relative_to(staging).as_posix() for file in staging.glob("arrays/*/c/*/*")]

    def open(self, root: Path, header: StoreHeader) -> ZarrReader:
        """Open the arrays; StoreError when their metadata is not what the header asks for."""
        store = _WholeStore(LocalStore(root, read_only=True))
        return ZarrReader(
            {array.name: _open_array(store, header, array) for array in header.arrays}
        )


@attrs.frozen(eq=False)
class ZarrReader:
    """Reads rows of the arrays of one store; a chunk that is missing or damaged raises."""

    arrays: Mapping[str, zarr.Array[Any]]

    def read(self, array: str, start: int, stop: int, columns: slice = slice(None)) -> NDArray[Any]:
        """Rows [start, stop) of one array, in the stored dtype."""
        return np.asarray(self.arrays[array][start:stop, columns])


class _WholeStore(WrapperStore[LocalStore]):
    """A store in which every chunk that is asked for must exist."""

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        buffer = await super().get(key, prototype, byte_range)
        if buffer is None and "/c/" in key:
            raise StoreError(f"chunk {key} is missing")
        return buffer


def _create_array(root: Path, header: StoreHeader, array: ArraySpec) -> zarr.Array[Any]:
    return zarr.create_array(
        store=LocalStore(root),
        name=f"arrays/{array.name}",
        shape=(header.rows, array.columns),
        chunks=_chunks(header, array),
        dtype=NUMPY_DTYPES[header.dtype],
        serializer=BytesCodec(endian="little"),
        compressors=[Crc32cCodec()],
        fill_value=0,
        attributes={"traits_dtype": header.dtype},
        config={"write_empty_chunks": True},
    )


def _open_array(store: _WholeStore, header: StoreHeader, array: ArraySpec) -> zarr.Array[Any]:
    opened = zarr.open_array(store=store, path=f"arrays/{array.name}", mode="r", zarr_format=3)
    expected = ((header.rows, array.columns), _chunks(header, array), NUMPY_DTYPES[header.dtype])
    if (opened.shape, opened.chunks, opened.dtype) != expected:
        raise StoreError(
            f"arrays/{array.name} has shape {opened.shape}, chunks {opened.chunks}, dtype "
            f"{opened.dtype}; the header says {expected[0]}, {expected[1]}, {expected[2]}"
        )
    return opened


def _chunks(header: StoreHeader, array: ArraySpec) -> tuple[int, int]:
    return header.chunk_rows, min(header.chunk_columns, array.columns)
