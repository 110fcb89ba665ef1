"""The zarr v3 metadata that makes chunk files an array which any zarr reader opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import zarr
from zarr.abc.codec import BytesBytesCodec
from zarr.codecs import BytesCodec
from zarr.storage import LocalStore

from traits_core.errors import StoreError
from traits_core.stores.backends.chunk_grid import ChunkGrid
from traits_core.stores.dtypes import NUMPY_DTYPES

_VALUES: Final = BytesCodec(endian="little")


def create_array(
    root: Path, grid: ChunkGrid, dtype: str, codecs: tuple[BytesBytesCodec, ...]
) -> None:
    """Write the metadata of one array: little-endian values, then `codecs` in turn."""
    zarr.create_array(
        store=LocalStore(root),
        name=f"arrays/{grid.array}",
        shape=grid.shape,
        chunks=grid.chunk,
        dtype=NUMPY_DTYPES[dtype],
        serializer=_VALUES,
        compressors=codecs,
        fill_value=0,
        attributes={"traits_dtype": dtype},
    )


def codec_names(root: Path, grid: ChunkGrid, dtype: str) -> tuple[str, ...]:
    """The codecs that one array applies to its little-endian values, by its metadata.

    Raises StoreError when the array is not laid out as `grid` says.
    """
    array: zarr.Array[Any] = zarr.open_array(
        store=LocalStore(root, read_only=True), path=f"arrays/{grid.array}", zarr_format=3
    )
    metadata: dict[str, Any] = array.metadata.to_dict()
    values, *codecs = metadata["codecs"]
    found = (array.shape, array.chunks, array.dtype, values)
    expected = (grid.shape, grid.chunk, NUMPY_DTYPES[dtype], _VALUES.to_dict())
    if found != expected:
        raise StoreError(f"arrays/{grid.array} is {found}, the header says {expected}")
    return tuple(codec["name"] for codec in codecs)
