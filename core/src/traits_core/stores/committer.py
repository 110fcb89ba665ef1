"""How one shard comes to exist: staged, checksummed, flushed, renamed, and only then in the manifest."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from numpy.typing import NDArray

from traits_core.protocols import Storage
from traits_core.stores.commit import CREATION, ArrayStats, Commit, measure
from traits_core.stores.dtypes import decode
from traits_core.stores.files import STAGING, describe, move_durably
from traits_core.stores.header import StoreHeader
from traits_core.stores.manifest import append_commit


@attrs.frozen(eq=False)
class Committer:
    """Adds shards to a store that its caller holds locked, one at a time."""

    root: Path
    header: StoreHeader
    storage: Storage

    def create(self) -> None:
        """Commit the files that the format needs beside shards. Raises OSError."""

        def write(staging: Path) -> Sequence[str]:
            self.storage.create(staging, self.header)
            return [p.relative_to(staging).as_posix() for p in staging.rglob("*") if p.is_file()]

        self._commit(CREATION, 0, {}, write)

    def commit(self, shard: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Commit the rows of one shard, in the stored dtype. Raises OSError."""
        stats = {name: measure(decode(x, self.header.dtype)) for name, x in arrays.items()}

        def write(staging: Path) -> Sequence[str]:
            return self.storage.write_shard(staging, self.header, shard, arrays)

        self._commit(shard, self.header.shard_rows(shard), stats, write)

    def _commit(
        self,
        shard: int,
        rows: int,
        stats: Mapping[str, ArrayStats],
        write: Callable[[Path], Sequence[str]],
    ) -> None:
        staging = self.root / f"{STAGING}{uuid.uuid4().hex[:12]}"
        try:
            staging.mkdir()
            files = tuple(describe(staging, name) for name in sorted(write(staging)))
            move_durably(staging, self.root, files)
            commit = Commit(
                shard=shard,
                row_start=max(shard, 0) * self.header.rows_per_shard,
                rows=rows,
                files=files,
                arrays=stats,
            )
            append_commit(self.root, self.header, commit)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
