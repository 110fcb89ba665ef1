"""One chunk of a zarr array as a file: the values, compressed or as they are, then their crc32c."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import StoreError
from traits_core.stores.backends.chunk_grid import padded
from traits_core.stores.backends.chunk_io import create_chunk, fill, open_chunk, pieces
from traits_core.stores.backends.zarr_codecs import Compressor
from traits_core.stores.files import StoredFile
from traits_core.stores.shard_memory import Block, in_full

_CRC_BYTES: Final = 4


def write_chunk(
    root: Path,
    file: str,
    values: Block,
    shape: tuple[int, int],
    compressor: Compressor | None = None,
    direct: bool = False,
) -> StoredFile:
    """Write `values`, padded with zeros to the `shape` of a chunk, to a new file; see `create_chunk`."""
    if compressor is None:
        parts: Iterable[Any] = pieces(in_full(values), shape, direct)
    else:
        parts = [compressor.encode(padded(values, shape))]
    crc32c = _Crc32c()
    with create_chunk(root, file, direct, crc32c.update) as out:
        for part in parts:
            out.write(_bytes(part))
        out.write(_bytes(crc32c.value.to_bytes(_CRC_BYTES, "little")))
    return out.stored


def read_chunk(
    root: Path, file: str, chunk: NDArray[Any], compressor: Compressor | None = None
) -> None:
    """Read all of a file into `chunk`, which is in C order.

    Raises StoreError when the file is missing, is shorter or longer, or its checksum or size
    does not fit.
    """
    with open_chunk(root, file) as source:
        if compressor is None:
            fill(chunk, source)
            stored, crc = _bytes(chunk), source.read(_CRC_BYTES + 1)
        else:
            whole = source.readall()
            stored, crc = _bytes(whole[:-_CRC_BYTES]), whole[-_CRC_BYTES:]
    if crc != _crc(stored):
        raise StoreError(f"{file} is damaged: its crc32c does not fit")
    if compressor is not None:
        try:
            compressor.decode(stored, out=chunk)  # never into more memory than the chunk
        except (RuntimeError, ValueError) as error:
            raise StoreError(f"{file} does not decompress to its chunk: {error}") from error


class _Crc32c:
    """The crc32c of bytes that come a few at a time."""

    value = 0

    def update(self, part: NDArray[np.uint8]) -> None:
        self.value = google_crc32c.extend(self.value, part)


def _bytes(buffer: Any) -> NDArray[np.uint8]:
    return np.frombuffer(buffer, np.uint8)


def _crc(stored: NDArray[np.uint8]) -> bytes:
    return int(google_crc32c.value(stored)).to_bytes(_CRC_BYTES, "little")
