"""`manifest.jsonl`: a line per committed shard, appended last; what has no line does not exist.

Line 0 (`shard` -1) lists the files that the format needs beside shards. A line carries a checksum
that is bound to the header and to its own shard: a line of another store, or out of place, is refused.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs
import torch
import xxhash
from torch import Tensor

from traits_core.durable import sync_file
from traits_core.errors import StoreError
from traits_core.stores.files import StoredFile
from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import canonical, header_digest, parse, structure

MANIFEST_FILE: Final = "manifest.jsonl"
CREATION: Final = -1


@attrs.frozen(kw_only=True)
class ArrayStats:
    """What the values of one array are in one shard, as stored; the extremes are of finite values."""

    n_nan: int
    n_inf: int
    min: float
    max: float
    absmax: float


@attrs.frozen(kw_only=True)
class Commit:
    """One line of the manifest: the rows [row_start, row_start + rows), and the files that hold them."""

    shard: int
    row_start: int
    rows: int
    files: tuple[StoredFile, ...]
    arrays: Mapping[str, ArrayStats]
    check: str = ""


@attrs.frozen(kw_only=True)
class Manifest:
    """The valid lines of a manifest; `size` is their length in bytes, behind it lies a torn line."""

    creation: Commit | None = None
    shards: tuple[Commit, ...] = ()
    size: int = 0

    @property
    def rows(self) -> int:
        """Rows that are committed."""
        return sum(commit.rows for commit in self.shards)

    @property
    def files(self) -> Iterator[StoredFile]:
        """Every file that the manifest vouches for."""
        for commit in filter(None, (self.creation, *self.shards)):
            yield from commit.files


def measure(tensor: Tensor) -> ArrayStats:
    """Count and measure the values of one array of a shard."""
    low, high, n_nan, n_inf = *_range(tensor), 0, 0
    if not (math.isfinite(low) and math.isfinite(high)):  # counting is slow, and rarely needed
        n_nan, n_inf = int(tensor.isnan().sum()), int(tensor.isinf().sum())
        low, high = _range(tensor[tensor.isfinite()])
    return ArrayStats(n_nan=n_nan, n_inf=n_inf, min=low, max=high, absmax=max(abs(low), abs(high)))


def append_commit(root: Path, header: StoreHeader, commit: Commit) -> None:
    """Append one line in one durable write; on failure the manifest is as it was.

    Raises OSError.
    """
    path = root / MANIFEST_FILE
    line = _line(commit, header_digest(header))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644)
    try:
        size = os.fstat(handle).st_size
        try:
            _write_whole(handle, line)
        except OSError:
            os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)
    if size == 0:
        sync_file(root)


def load_manifest(root: Path, header: StoreHeader) -> Manifest:
    """Read the manifest; a last line that is torn or damaged is left out.

    Raises StoreError when another line is damaged, or rows, names or order do not fit the header.
    """
    try:
        text = (root / MANIFEST_FILE).read_bytes()
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise StoreError(f"{root / MANIFEST_FILE}: {error.strerror}") from error
    lines = text.splitlines(keepends=True)
    digest = header_digest(header)
    commits: list[Commit] = []
    for number, line in enumerate(lines):
        try:
            commits.append(_commit(line, digest))
        except ValueError as error:
            if number == len(lines) - 1:
                break
            raise StoreError(
                f"{root / MANIFEST_FILE}: line {number + 1} is damaged ({error}): "
                "restore it from a copy, or delete the store and write it again"
            ) from error
    _check_order(root, header, commits)
    size = sum(len(line) for line in lines[: len(commits)])
    return Manifest(creation=commits[0] if commits else None, shards=tuple(commits[1:]), size=size)


def drop_torn_line(root: Path, manifest: Manifest) -> None:
    """Cut the manifest behind its valid lines."""
    path = root / MANIFEST_FILE
    if path.exists() and path.stat().st_size > manifest.size:
        os.truncate(path, manifest.size)
        sync_file(path)


def _range(tensor: Tensor) -> tuple[float, float]:
    if not tensor.numel():
        return 0.0, 0.0
    low, high = torch.aminmax(tensor)
    return float(low), float(high)


def _write_whole(handle: int, line: bytes) -> None:
    if os.write(handle, line) < len(line):
        raise OSError(errno.ENOSPC, "the manifest could be written in part only")
    os.fsync(handle)


def _line(commit: Commit, digest: str) -> bytes:
    unchecked = canonical(attrs.evolve(commit, check=""))
    check = xxhash.xxh3_64_hexdigest(digest.encode() + unchecked)
    return canonical(attrs.evolve(commit, check=check)) + b"\n"


def _commit(line: bytes, digest: str) -> Commit:
    """Decode one line; ValueError unless it is, to the byte, what `append_commit` writes."""
    commit = structure(parse(line), Commit)
    if _line(commit, digest) != line:
        raise ValueError("its checksum does not fit")
    return commit


def _check_order(root: Path, header: StoreHeader, commits: list[Commit]) -> None:
    if len(commits) > header.n_shards + 1:
        raise StoreError(
            f"{root / MANIFEST_FILE}: {len(commits) - 1} shards, the header allows {header.n_shards}"
        )
    names: set[str] = set()
    for expected, commit in enumerate(commits, start=CREATION):
        start = max(expected, 0) * header.rows_per_shard
        rows = 0 if expected == CREATION else header.shard_rows(expected)
        if (commit.shard, commit.row_start, commit.rows) != (expected, start, rows):
            raise StoreError(
                f"{root / MANIFEST_FILE}: line {expected + 2} holds shard {commit.shard} with rows "
                f"{commit.row_start} + {commit.rows}, expected shard {expected} with {start} + {rows}"
            )
        for file in commit.files:
            if file.name in names:
                raise StoreError(f"{root / MANIFEST_FILE}: {file.name!r} is listed twice")
            names.add(file.name)
