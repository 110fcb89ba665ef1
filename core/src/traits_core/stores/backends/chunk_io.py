"""Bytes of chunk files: read to the last one or not at all.

Files are read, never mapped: a mapped file that is cut short kills the process that reads it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EINVAL
from fcntl import F_GETFL, F_SETFL, fcntl
from io import FileIO
from mmap import PAGESIZE
from pathlib import Path
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from traits_core.errors import StoreError
from traits_core.stores.dtypes import NUMPY_DTYPES
from traits_core.stores.files import StoredFile
from traits_core.stores.header import StoreHeader

Update = Callable[[NDArray[np.uint8]], None]
PIECE_BYTES: Final = 1 << 19
"""What is copied, checksummed and written stays in a core's cache on the way."""
PAST_CACHE_FROM: Final = 1 << 29
"""Bytes of a store of scores from which on it is written past the page cache."""


def past_cache(header: StoreHeader) -> bool:
    """Whether the page cache is not to have what is written of a store.

    Copying a large store of scores there takes as much of the processor as half of the scoring, and
    drives out the activations that are being read. Activations are read again soon, and often.
    """
    values = header.rows * sum(array.columns for array in header.arrays)
    large = values * NUMPY_DTYPES[header.dtype].itemsize >= PAST_CACHE_FROM
    return header.kind == "scores" and large


class NewChunk:
    """A chunk that is being written; its checksums are taken from the bytes on their way."""

    def __init__(self, name: str, out: FileIO, direct: bool, also: Update | None) -> None:
        self._name = name
        self._out = out
        self._direct = direct and _set_direct(out, True)
        self._digest = xxhash.xxh3_128()
        self._also = also
        self._length = 0

    def write(self, part: NDArray[Any]) -> None:
        """Append the bytes of an array in C order."""
        rest = np.frombuffer(part, np.uint8)
        self._length += len(rest)
        for first in range(0, len(rest), PIECE_BYTES):
            piece = rest[first : first + PIECE_BYTES]
            self._digest.update(piece.data)  # the faster one of memory that is not in the cache yet
            if self._also:
                self._also(piece)
        while len(rest):
            rest = rest[self._written(rest) :]

    def pad(self, length: int) -> None:
        """Append zeros up to `length` bytes; on the disk they are a hole."""
        for first in range(self._length, length, PIECE_BYTES):
            self._digest.update(bytes(min(PIECE_BYTES, length - first)))
        self._length = self._out.truncate(length)

    @property
    def stored(self) -> StoredFile:
        """What the manifest says of it."""
        return StoredFile(name=self._name, bytes=self._length, xxh3=self._digest.hexdigest())

    def _written(self, part: NDArray[np.uint8]) -> int:
        """Write the beginning of `part`: past the cache what fills whole pages there, then the rest."""
        if self._direct:
            whole = len(part) - len(part) % PAGESIZE
            try:
                if whole and part.ctypes.data % PAGESIZE == 0:
                    return self._out.write(part[:whole].data)
            except OSError as error:
                if error.errno != EINVAL:  # this file system cannot
                    raise
            self._direct = _set_direct(self._out, False)
        return self._out.write(part.data)


def _set_direct(file: FileIO, direct: bool) -> bool:
    """Have writes pass the page cache, or not; return whether they do."""
    flag = getattr(os, "O_DIRECT", 0)  # Linux alone has it
    flags = fcntl(file, F_GETFL)
    try:
        fcntl(file, F_SETFL, flags | flag if direct else flags & ~flag)
    except OSError:
        return False
    return direct and bool(flag)


@contextmanager
def create_chunk(
    root: Path, file: str, direct: bool = False, also: Update | None = None
) -> Iterator[NewChunk]:
    """Open a new chunk for writing, and make its directory.

    `direct`: where the system can, bytes that fill whole pages, in memory and on the disk, get past
    the page cache.
    `also`: gets all bytes too, a few at a time.
    """
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb", buffering=0) as out:
        yield NewChunk(file, out, direct, also)


def pieces(
    values: NDArray[Any], shape: tuple[int, int], direct: bool = False
) -> Iterator[NDArray[Any]]:
    """`values` in C order, padded with zeros to `shape`: a few rows at a time, good until the next.

    All at once where nothing needs to be copied on the way to the disk.
    """
    n = max(1, PIECE_BYTES // (values.itemsize * shape[1]))
    whole = values.shape == shape and values.flags.c_contiguous
    if whole and direct:
        yield values
        return
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
