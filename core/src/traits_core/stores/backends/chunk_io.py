"""Bytes of chunk files: read to the last one or not at all.

Files are read, never mapped: a mapped file that is cut short kills the process that reads it.
"""

from __future__ import annotations

from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from traits_core.errors import StoreError


def create_chunk(root: Path, file: str) -> BinaryIO:
    """Open a new chunk for writing, and make its directory."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")


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
