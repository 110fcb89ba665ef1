"""The files of foreign directories: read without following links, bounded before memory is asked for."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

from traits_core.errors import StoreError
from traits_core.stores.json_records import parse

MAX_JSON_BYTES: Final = 1 << 24
SAMPLES: Final = 32
SAMPLE_BYTES: Final = 4096


def open_plain(path: Path) -> BufferedReader:
    """Open a regular file for reading; StoreError when it is missing, a link, or something else."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise StoreError(f"{path} is missing") from error
    except OSError as error:
        what = "is a symbolic link" if path.is_symlink() else f"cannot be read: {error.strerror}"
        raise StoreError(f"{path} {what}") from error
    file = os.fdopen(handle, "rb")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        file.close()
        raise StoreError(f"{path} is no regular file")
    return file


def plain_size(path: Path) -> int:
    """Length of a regular file in bytes; raises what `open_plain` raises."""
    with open_plain(path) as file:
        return os.fstat(file.fileno()).st_size


def read_json(path: Path) -> Any:
    """Parse a JSON file of at most 16 MiB; StoreError when it is larger or no JSON."""
    with open_plain(path) as file:
        if os.fstat(file.fileno()).st_size > MAX_JSON_BYTES:
            raise StoreError(f"{path} is larger than {MAX_JSON_BYTES} bytes")
        text = file.read()
    try:
        return parse(text)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: no readable JSON: {error}") from error


def fingerprint(paths: Iterable[Path]) -> str:
    """sha256 over names, lengths, and 32 samples of 4 KiB spread over each file, in hex.

    It names contents without reading all of them: a file that was made anew is noticed, one that
    was edited between the samples is not.
    """
    digest = hashlib.sha256()
    for path in paths:
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(f"{path.name} {size}\n".encode())
            last = max(0, size - SAMPLE_BYTES)
            for offset in sorted({last * i // (SAMPLES - 1) for i in range(SAMPLES)}):
                file.seek(offset)
                digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()
