"""How one shard comes to exist: staged, checksummed, flushed, renamed, and only then in the manifest."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.stores.commit import CREATION, ArrayStats, Commit
from traits_core.stores.files import STAGING, StoredFile, check_name, describe, move_durably
from traits_core.stores.header import StoreHeader
from traits_core.stores.manifest import append_commit
from traits_core.stores.protocols import Storage
from traits_core.stores.shard_memory import Block, Blocks, DenseShard, ShardMemory, in_full


@runtime_checkable
class ChunkStorage(Protocol):
    """A storage that writes chunks as they lie in memory, and checksums files while it writes them."""

    def memory(self, header: StoreHeader) -> ShardMemory:
        """Where the rows of a shard are put before they are written."""

    def write_chunks(
        self, staging: Path, header: StoreHeader, shard: int, arrays: Blocks
    ) -> Sequence[StoredFile]:
        """Write what `write_shard` writes; return the files with their lengths and checksums."""


def memory_for(storage: Storage, header: StoreHeader) -> ShardMemory:
    """Where the rows of a shard are put before `storage` writes them."""
    return storage.memory(header) if isinstance(storage, ChunkStorage) else DenseShard(header)


def write_shard(
    storage: Storage, staging: Path, header: StoreHeader, shard: int, arrays: Blocks
) -> Sequence[StoredFile]:
    """Have `storage` write a shard that is cut into blocks of columns; return its files.

    Files that it did not checksum are read once more.
    """
    if not isinstance(storage, ChunkStorage):
        whole = {name: _side_by_side(blocks) for name, blocks in arrays.items()}
        names = storage.write_shard(staging, header, shard, whole)
        return [describe(staging, name) for name in names]
    files = storage.write_chunks(staging, header, shard, arrays)
    for file in files:
        check_name(file.name)
    return files


def _side_by_side(blocks: Sequence[Block]) -> NDArray[Any]:
    return (
        in_full(blocks[0]) if len(blocks) == 1 else np.concatenate([*map(in_full, blocks)], axis=1)
    )


@attrs.frozen
class Staged:
    """A shard whose files are written and checksummed, in a directory of their own."""

    staging: Path
    commit: Commit


@attrs.frozen(eq=False)
class Committer:
    """Adds shards to a store that its caller holds locked, one at a time."""

    root: Path
    header: StoreHeader
    storage: Storage

    def create(self) -> None:
        """Commit the files that the format needs beside shards. Raises OSError."""

        def write(staging: Path) -> Sequence[StoredFile]:
            self.storage.create(staging, self.header)
            files = [path for path in staging.rglob("*") if path.is_file()]
            return [describe(staging, path.relative_to(staging).as_posix()) for path in files]

        self.commit(self._stage(CREATION, 0, {}, write))

    def stage(self, shard: int, arrays: Blocks, stats: Mapping[str, ArrayStats]) -> Staged:
        """Write the rows of one shard, in blocks of columns; they are not needed any more then.

        Raises OSError.
        """

        def write(staging: Path) -> Sequence[StoredFile]:
            return write_shard(self.storage, staging, self.header, shard, arrays)

        return self._stage(shard, self.header.shard_rows(shard), stats, write)

    def commit(self, staged: Staged, before: Future[None] | None = None) -> None:
        """Flush what was staged, move it into its place, and append its line to the manifest.

        A shard whose predecessor could not be committed is dropped, for the same reason: what
        `before` raises. Raises OSError.
        """
        try:
            if before is not None:
                before.result()
            move_durably(staged.staging, self.root, staged.commit.files)
            append_commit(self.root, self.header, staged.commit)
        finally:
            shutil.rmtree(staged.staging, ignore_errors=True)

    def _stage(
        self,
        shard: int,
        rows: int,
        stats: Mapping[str, ArrayStats],
        write: Callable[[Path], Sequence[StoredFile]],
    ) -> Staged:
        staging = self.root / f"{STAGING}{uuid.uuid4().hex[:12]}"
        try:
            staging.mkdir()
            files = sorted(write(staging), key=lambda file: file.name)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        commit = Commit(
            shard=shard,
            row_start=max(shard, 0) * self.header.rows_per_shard,
            rows=rows,
            files=tuple(files),
            arrays=stats,
        )
        return Staged(staging, commit)
