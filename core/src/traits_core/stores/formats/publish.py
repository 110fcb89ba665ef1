"""How an export appears: all of it at once, under its name, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from traits_core.durable import sync_file
from traits_core.errors import DataError, DiskFullError, StoreError
from traits_core.stores.dtypes import encode
from traits_core.stores.foreign import OpenStore
from traits_core.stores.free_space import USABLE, disk_error
from traits_core.stores.lock import LOCK_FILE, locked


@contextmanager
def publishing(root: Path, needed: int) -> Iterator[Path]:
    """Yield an empty directory beside `root`, which becomes `root` when the block ends.

    A block that fails leaves nothing; what a killed one leaves, the next one deletes.

    Parameters
    ----------
    root: must not exist, or be an empty directory
    needed: bytes that will be written

    Raises StoreError when `root` holds something, or cannot be written; DiskFullError when the disk
    is too small.
    """
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        raise StoreError(f"{root} is there already: choose an empty or a new directory")
    staging = root.with_name(f".{root.name}.traits-partial")
    with locked(staging):
        _clear(staging)
        try:
            _check_space(staging, needed)
            yield staging
            for path in [*staging.rglob("*"), staging]:
                sync_file(path)
            (staging / LOCK_FILE).unlink()
            staging.replace(root)
            sync_file(root.parent)
        except OSError as error:
            why = f"{root} could not be written ({error.strerror or error}): nothing of it is kept"
            raise disk_error(why, error) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def read_encoded(source: OpenStore, array: str, start: int, stop: int, dtype: str) -> NDArray[Any]:
    """Rows [start, stop) in the stored form of `dtype`.

    Raises DataError for NaN and infinity, StoreError for values that are too large for `dtype`.
    """
    rows_nd = source.store.read(array, start, stop)
    bad = (~rows_nd.isfinite()).any(dim=1).nonzero()[:, 0]
    if len(bad):
        raise DataError(f"array {array!r}, row {start + int(bad[0])}: NaN or infinity")
    return encode(rows_nd, dtype)


def _clear(staging: Path) -> None:
    for path in staging.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK_FILE:
            path.unlink()


def _check_space(directory: Path, needed: int) -> None:
    disk = os.statvfs(directory)
    free = disk.f_bavail * disk.f_frsize
    if needed > USABLE * free:
        raise DiskFullError(
            f"{directory.parent}: {needed / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free"
        )
