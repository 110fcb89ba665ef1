"""`manifest.jsonl`: a line per committed shard, appended last; what has no line does not exist.

The line of shard -1 lists the files that the format needs beside shards. A line carries a checksum
that is bound to the header and to its own shard: a line of another store is refused. Lines come in
the order of their commits: a shard that was lost and written again is behind later ones.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import attrs

from traits_core.durable import sync_file
from traits_core.errors import StoreError
from traits_core.stores.commit import CREATION, Commit
from traits_core.stores.files import StoredFile
from traits_core.stores.header import StoreHeader
from traits_core.stores.manifest_lines import MANIFEST_FILE, Line, encode_line, read_lines


@attrs.frozen(kw_only=True)
class Manifest:
    """The valid lines of a manifest, its shards by number.

    `size` is the length of these lines in bytes; behind it lies a torn one.
    """

    creation: Commit | None = None
    shards: tuple[Commit, ...] = ()
    size: int = 0

    @property
    def rows(self) -> int:
        """Rows that are committed."""
        return sum(commit.rows for commit in self.shards)

    def gaps(self, header: StoreHeader) -> list[range]:
        """The runs of shards that are not committed, in order."""
        ends = [-1, *(commit.shard for commit in self.shards), header.n_shards]
        return [range(low + 1, high) for low, high in pairwise(ends) if low + 1 < high]

    def complete(self, header: StoreHeader) -> bool:
        """True when nothing is left to be written."""
        return self.creation is not None and len(self.shards) == header.n_shards

    @property
    def files(self) -> Iterator[StoredFile]:
        """Every file that the manifest vouches for."""
        for commit in filter(None, (self.creation, *self.shards)):
            yield from commit.files


def append_commit(root: Path, header: StoreHeader, commit: Commit) -> None:
    """Append one line in one durable write; on failure the manifest is as it was.

    Raises OSError.
    """
    path = root / MANIFEST_FILE
    line = encode_line(commit, header)
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

    Raises StoreError when another line is damaged, or cannot stand beside those before it.
    """
    lines = read_lines(root, header)
    if lines and lines[-1].commit is None:
        lines = lines[:-1]
    manifest, refused = sort_out(header, lines)
    for line in refused:
        raise StoreError(
            f"{root / MANIFEST_FILE}: line {line.number} is damaged ({line.why}): "
            f"`traits verify {root}` says what is lost"
        )
    return manifest


def sort_out(header: StoreHeader, lines: Iterable[Line]) -> tuple[Manifest, list[Line]]:
    """The manifest that the good lines make, and the lines that are not in it, with the reason.

    A line is refused when it is damaged, when its shard or one of its files was there before, or
    when it has other rows than the header gives its shard.
    """
    commits: dict[int, Commit] = {}
    names: set[str] = set()
    refused: list[Line] = []
    size = 0
    for line in lines:
        if line.commit is None:
            refused.append(line)
        elif why := _misfit(header, line.commit, commits, names):
            refused.append(attrs.evolve(line, commit=None, why=why))
        else:
            commits[line.commit.shard] = line.commit
            names.update(file.name for file in line.commit.files)
            size += len(line.text)
    creation = commits.pop(CREATION, None)
    shards = tuple(commits[shard] for shard in sorted(commits))
    return Manifest(creation=creation, shards=shards, size=size), refused


def drop_torn_line(root: Path, manifest: Manifest) -> None:
    """Cut the manifest behind its valid lines."""
    path = root / MANIFEST_FILE
    if path.exists() and path.stat().st_size > manifest.size:
        os.truncate(path, manifest.size)
        sync_file(path)


def _write_whole(handle: int, line: bytes) -> None:
    if os.write(handle, line) < len(line):
        raise OSError(errno.ENOSPC, "the manifest could be written in part only")
    os.fsync(handle)


def _misfit(
    header: StoreHeader, commit: Commit, commits: Mapping[int, Commit], names: set[str]
) -> str:
    """Why `commit` cannot stand beside those before it, which own the file `names`; "" if it can."""
    if not CREATION <= commit.shard < header.n_shards:
        return f"shard {commit.shard}, the header has shards 0 to {header.n_shards - 1}"
    if commit.shard in commits:
        return f"shard {commit.shard} is committed twice"
    start = max(commit.shard, 0) * header.rows_per_shard
    rows = 0 if commit.shard == CREATION else header.shard_rows(commit.shard)
    if (commit.row_start, commit.rows) != (start, rows):
        return (
            f"shard {commit.shard} has rows {commit.row_start} + {commit.rows}, "
            f"the header says {start} + {rows}"
        )
    own = [file.name for file in commit.files]
    twice = [name for name in own if name in names or own.count(name) > 1]
    return f"{twice[0]!r} is listed twice" if twice else ""
