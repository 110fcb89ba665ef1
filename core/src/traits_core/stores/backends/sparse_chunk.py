"""A chunk as the values that are not 0: what is between zarr's `bytes` codec and its checksum in `zarr-sparse`.

Little-endian: for each row, how many values there are up to its end (uint32), then the values, then the
column of each (uint16, or uint32 in chunks of more than 65,536 columns).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from zarr.abc.codec import BytesBytesCodec

from traits_core.stores.entries import Entries, column_dtype

if TYPE_CHECKING:
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer

    from traits_core.stores.shard_memory import Block  # imports torch, which zarr does not need

NAME: Final = "traits.sparse"
_ENDS: Final = np.dtype("<u4")


def pack(entries: Entries) -> NDArray[np.uint8]:
    """The bytes of a chunk."""
    parts = (entries.ends.astype(_ENDS), entries.values, entries.columns)
    return np.concatenate([np.frombuffer(part, np.uint8) for part in parts])


def unpack(stored: NDArray[np.uint8], shape: tuple[int, int], dtype: np.dtype[Any]) -> Entries:
    """The entries of a chunk of this shape. Raises ValueError when these bytes are not that."""
    rows, width = shape
    of_column = column_dtype(width)
    first = rows * _ENDS.itemsize
    ends = np.frombuffer(stored[:first], _ENDS).astype(np.int64)
    n = int(ends[-1]) if len(ends) == rows else 0
    middle = first + n * dtype.itemsize
    if len(stored) != middle + n * of_column.itemsize:
        raise ValueError(f"{len(stored)} bytes are no {n} values of {rows} rows")
    values = np.frombuffer(stored[first:middle], dtype)
    columns = np.frombuffer(stored[middle:], of_column)
    if (np.diff(ends, prepend=0) < 0).any() or (columns >= width).any():
        raise ValueError("values lie outside its rows and columns")
    entries = Entries(width, ends, columns, values)
    places = entries.places(width)
    if (places[1:] <= places[:-1]).any():
        raise ValueError("values are not in the order of its columns")
    return entries


class SparseChunks:
    """Chunks to bytes and back, as a compressor does it."""

    def encode(self, buf: Block) -> NDArray[np.uint8]:
        """The bytes of a chunk [rows, columns]."""
        return pack(buf if isinstance(buf, Entries) else Entries.of(buf))

    def decode(self, buf: NDArray[np.uint8], out: NDArray[Any]) -> NDArray[Any]:
        """Fill the chunk `out`. Raises ValueError when these bytes are none of its shape."""
        entries = unpack(buf, out.shape, out.dtype)
        out[...] = 0
        out.reshape(-1)[entries.places(entries.width)] = entries.values
        return out


class SparseCodec(BytesBytesCodec):
    """The same for zarr, which finds it by an entry point: rows of an array lie along its last axis."""

    is_fixed_size = False

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """It has no options."""
        return cls()

    def to_dict(self) -> dict[str, Any]:
        """What an array's metadata says of it."""
        return {"name": NAME}

    async def _encode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        rows_bk = chunk_bytes.as_numpy_array().view(_dtype(chunk_spec)).reshape(_shape(chunk_spec))
        return chunk_spec.prototype.buffer.from_array_like(SparseChunks().encode(rows_bk))

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        rows_bk = np.empty(_shape(chunk_spec), _dtype(chunk_spec))
        SparseChunks().decode(chunk_bytes.as_numpy_array(), rows_bk)
        return chunk_spec.prototype.buffer.from_array_like(rows_bk.reshape(-1).view(np.uint8))

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Nobody knows."""
        raise NotImplementedError


def _dtype(chunk: ArraySpec) -> np.dtype[Any]:
    return chunk.dtype.to_native_dtype()


def _shape(chunk: ArraySpec) -> tuple[int, int]:
    return math.prod(chunk.shape[:-1]), chunk.shape[-1]
