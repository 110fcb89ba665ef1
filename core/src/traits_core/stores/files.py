"""The files of a store: safe names, checksums, and the move from a staging directory into place."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

import attrs
import xxhash

from traits_core.durable import sync_file
from traits_core.errors import StoreError

STAGING: Final = "tmp-"
QUARANTINE: Final = "quarantine"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*\Z")
_OURS: Final = re.compile(r"(store\.json|manifest[^/]*\.jsonl|LOCK|tmp-[^/]*|quarantine)(/|\Z)")
_BLOCK: Final = 1 << 18


@attrs.frozen(kw_only=True)
class StoredFile:
    """One file below the root of a store: relative posix name, length in bytes, xxh3_128 in hex."""

    name: str
    bytes: int
    xxh3: str


def check_name(name: str) -> None:
    """Refuse a name that could lead out of the store, or onto a file of the protocol.

    Raises StoreError.
    """
    if not _NAME.match(name) or _OURS.match(name):
        raise StoreError(f"file name {name!r} is not allowed in a store")


def checksum(path: Path) -> str:
    """xxh3_128 of the contents of a file, in hex."""
    digest = xxhash.xxh3_128()
    block = memoryview(bytearray(_BLOCK))
    with path.open("rb", buffering=0) as file:
        while n := file.readinto(block):
            digest.update(block[:n])
    return digest.hexdigest()


def describe(root: Path, name: str) -> StoredFile:
    """Measure the file `name` below `root`."""
    check_name(name)
    path = root / name
    return StoredFile(name=name, bytes=path.stat().st_size, xxh3=checksum(path))


def move_durably(staging: Path, root: Path, files: Iterable[StoredFile]) -> None:
    """Flush each file below `staging` and rename it to the same place below `root`."""
    changed: set[Path] = set()
    for file in files:
        target = root / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        sync_file(staging / file.name)
        (staging / file.name).replace(target)
        changed.update(root / parent for parent in PurePosixPath(file.name).parents)
    for directory in sorted(changed):
        sync_file(directory)


def check_sizes(root: Path, files: Iterable[StoredFile]) -> None:
    """Check that each file is a regular file of its recorded length, reached without a symlink.

    Raises StoreError that names the first file that is not.
    """
    plain = {root}
    for file in files:
        if why := size_fault(root, file, plain):
            raise StoreError(
                f"{root}: {file.name} {why}: `traits verify {root} --repair` takes what is damaged "
                "out, and the command that wrote the store writes it again"
            )


def size_fault(root: Path, file: StoredFile, plain: set[Path]) -> str:
    """Why a file is not the one of this name and length; "" when it is.

    `plain` holds directories that are known to be no links, and gets those that are seen here.
    """
    try:
        check_name(file.name)
    except StoreError:
        return "is a name that is not allowed in a store"
    for parent in [root / p for p in PurePosixPath(file.name).parents][::-1]:
        if parent not in plain and parent.is_symlink():
            return f"is behind {parent.relative_to(root)}, a symbolic link"
        plain.add(parent)
    try:
        status = (root / file.name).lstat()
    except OSError:
        return "is missing"
    if not stat.S_ISREG(status.st_mode):
        return "is no regular file"
    if status.st_size != file.bytes:
        return f"is {status.st_size} bytes, the manifest says {file.bytes}"
    return ""
