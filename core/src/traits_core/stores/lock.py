"""One process at a time: an advisory lock on a directory, released by the kernel when its holder dies."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from traits_core.errors import BusyError, StoreError

LOCK_FILE: Final = "LOCK"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold `directory`, which is created when missing, for the length of the `with` block.

    The text in `LOCK` names the holder for people; the flock alone decides, so a text that a killed
    process left behind is harmless. A second lock in the same process is refused too.

    Raises BusyError that names the holder; StoreError when the directory cannot be written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise StoreError(f"{directory}: cannot be locked: {error.strerror}") from error
    try:
        _acquire(handle, directory)
        with suppress(OSError):  # a full disk has no room for the text, and is told by who writes
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def holder(directory: Path) -> str | None:
    """Who holds `directory` now, as `pid 7 on host`; None when nobody does."""
    try:
        handle = os.open(directory / LOCK_FILE, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _text(handle)
    else:
        return None
    finally:
        os.close(handle)


def _acquire(handle: int, directory: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BusyError(
            f"{directory} is in use by {_text(handle)}: wait until it ends, or stop it"
        ) from error
    except OSError as error:
        raise StoreError(f"{directory}: cannot be locked: {error.strerror}") from error


def _text(handle: int) -> str:
    """What the holder has written about itself."""
    return os.pread(handle, 200, 0).decode("utf-8", "replace").strip() or "another process"
