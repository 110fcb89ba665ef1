"""A disk that is too small, before it is written to and when it has filled up."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from traits_core.errors import DiskFullError, StoreError
from traits_core.stores.dtypes import NUMPY_DTYPES
from traits_core.stores.header import StoreHeader

USABLE: Final = 0.95
"""The part of the free space that a store may be planned to fill."""


def refuse_small_disk(root: Path, header: StoreHeader, rows: int) -> None:
    """Raise DiskFullError when `rows` more rows of every array do not fit, as far as their size is known."""
    if header.kept and header.kept.form == "threshold":
        return  # how many scores are above it, nobody knows
    width = sum(array.columns for array in header.arrays)
    needed = rows * width * NUMPY_DTYPES[header.dtype].itemsize
    disk = os.statvfs(root)
    free = disk.f_bavail * disk.f_frsize
    if needed > USABLE * free:
        raise DiskFullError(
            f"{root}: {needed / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free: "
            "make room, choose a narrower dtype, or write to another disk"
        )


def disk_error(message: str, error: OSError) -> StoreError:
    """The error for a write that failed: DiskFullError when space or a quota is used up."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return DiskFullError(message) if full else StoreError(message)
