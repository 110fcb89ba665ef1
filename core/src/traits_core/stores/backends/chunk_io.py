"""Bytes of chunk files: read to the last one or not at all.

Files are read, never mapped: a mapped file that is cut short kills the process that reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from traits_core.errors import StoreError
from traits_core.stores.files import StoredFile

PIECE_BYTES: Final = 1 << 19
"""What is copied, checksummed and written stays in a core's cache on the way."""


class NewChunk:
    """A chunk that is being written; its checksum is taken from the bytes on their way."""

    def __init__(self, name: str, out: BinaryIO) -> None:
        self._name = name
        self._out = out
        self._digest = xxhash.xxh3_128()
        self._length = 0

    def write(self, part: memoryview | bytes) -> None:
        """Append bytes, in C order."""
        self._digest.update(part)
        self._length += self._out.write(part)

    def pad(self, length: int) -> None:
        """Append zeros up to `length` bytes; on the disk they are a hole."""
        for first in range(self._length, length, PIECE_BYTES):
            self._digest.update(bytes(min(PIECE_BYTES, length - first)))
        self._length = self._out.truncate(length)

    @property
    def stored(self) -> StoredFile:
        """What the manifest says of it."""
        return StoredFile(name=self._name, bytes=self._length, xxh3=self._digest.hexdigest())


@contextmanager
def create_chunk(root: Path, file: str) -> Iterator[NewChunk]:
    """Open a new chunk for writing, and make its directory."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        yield NewChunk(file, out)


def pieces(values: NDArray[Any], shape: tuple[int, int]) -> Iterator[NDArray[Any]]:
    """`values` in C order, padded with zeros to `shape`: a few rows at a time, good until the next."""
    n = max(1, PIECE_BYTES // (values.itemsize * shape[1]))
    whole = values.shape == shape and values.flags.c_contiguous
    buffer = np.zeros((0 if whole else min(n, shape[0]), shape[1]), values.dtype)
    for first in range(0, shape[0], n):
        part = values[first : first + n]
        if whole:
            yield part
            continue
        piece = buffer[: shape[0] - first]
        piece[: len(part), : values.shape[1]] = part
        piece[len(part) :] = 0
        yield piece


def open_chunk(root: Path, file: str) -> FileIO:
    """Open a chunk for reading, without a buffer; raises StoreError when it is missing."""
    try:
        return (root / file).open("rb", buffering=0)
    except FileNotFoundError as error:
        raise StoreError(f"{file} is missing") from error


def fill(buffer: NDArray[Any], file: FileIO) -> None:
    """Read the next bytes of `file` into all of `buffer`, which is in C order; StoreError at its end."""
    rest = buffer.data.cast("B")
    while rest:
        n = file.readinto(rest)
        if not n:
            raise StoreError(f"{file.name} ends {len(rest)} bytes too early")
        rest = rest[n:]
