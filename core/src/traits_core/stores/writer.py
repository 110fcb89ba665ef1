"""The one way to write a store: rows in, whole shards out, each committed before the next begins."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from traits_core.durable import create_json
from traits_core.errors import StoreError
from traits_core.protocols import Storage
from traits_core.stores.batch import encode_batch
from traits_core.stores.commit import CREATION, ArrayStats, Commit, measure
from traits_core.stores.dtypes import NUMPY_DTYPES, decode
from traits_core.stores.files import STAGING, check_sizes, describe, move_durably
from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import HEADER_FILE, load_header
from traits_core.stores.lock import locked
from traits_core.stores.manifest import append_commit, drop_torn_line, load_manifest
from traits_core.stores.ownership import clear_staging, refuse_foreign, refuse_other

USABLE: Final = 0.95
"""The part of the free space that a store may be planned to fill."""


class StoreWriter:
    """Writes the rows of a store that are not committed yet, in order.

    Memory: one shard in the stored dtype, and the batch that is being appended.

        with StoreWriter(root, header, storage) as writer:
            for rows in writer.gaps():
                for batch in batches(rows.start, rows.stop):
                    writer.append({"layer4": batch})
            writer.finish()

    A store that was never repaired has one gap: all that is behind its last committed shard.

    Leaving the block early, or dying in it, loses the rows of the unfinished shard and nothing else.

    Parameters
    ----------
    root: directory of the store, created when missing
    header: what the store is; one that exists already must have the same
    storage: turns rows into files

    Entering raises BusyError when another process writes the store; StoreError when `root` holds
    something else, a store with another header, a damaged one, or when the disk is too small.
    """

    def __init__(self, root: Path, header: StoreHeader, storage: Storage) -> None:
        self.root = root
        self.header = header
        self._storage = storage
        self._gaps: list[range] = []
        self._shard = 0
        self._buffered = 0
        self._buffers: dict[str, NDArray[Any]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        refuse_foreign(self.root)
        with ExitStack() as stack:
            stack.enter_context(locked(self.root))
            self._open()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    @property
    def committed_rows(self) -> int:
        """The rows before the first one that is missing: where `append` begins."""
        return self._rows(self._gaps[0]).start if self._gaps else self.header.rows

    @property
    def missing_rows(self) -> int:
        """How many rows are not committed, wherever they are."""
        return sum(rows.stop - rows.start for rows in map(self._rows, self._gaps))

    @property
    def complete(self) -> bool:
        """True when all rows are committed."""
        return not self._gaps

    def gaps(self) -> Iterator[range]:
        """Yield each run of rows that are not committed; `append` goes on at its first row.

        Raises StoreError when the rows of a gap were not appended before the next one is asked for.
        """
        for gap in list(self._gaps):
            self._shard, self._buffered = gap.start, 0
            rows = self._rows(gap)
            yield rows
            if self.committed_rows < rows.stop:
                raise StoreError(f"{self.root}: the rows up to {rows.stop} were not appended")

    def append(self, arrays: Mapping[str, Tensor]) -> None:
        """Take the next rows of every array, and commit each shard that they fill.

        Parameters
        ----------
        arrays: float tensors [n, columns] by array name, n >= 1 the same for all, on any device

        Raises DataError for no rows, NaN or infinity (naming array and row); StoreError for another
        shape than the header's, values too large for the dtype, and when the disk fails.
        """
        if not self._buffers:
            raise StoreError(f"{self.root}: rows can be appended inside the `with` block only")
        first = min(self._shard * self.header.rows_per_shard, self.header.rows) + self._buffered
        encoded = encode_batch(self.header, arrays, first)
        n = len(next(iter(encoded.values())))
        self._refuse_committed(first + n)
        taken = 0
        while taken < n:
            room = self.header.shard_rows(self._shard) - self._buffered
            end = min(n, taken + room)
            target = slice(self._buffered, self._buffered + end - taken)
            for name, rows in encoded.items():
                self._buffers[name][target] = rows[taken:end]
            self._buffered, taken = target.stop, end
            if self._buffered == self.header.shard_rows(self._shard):
                self._commit_shard()

    def finish(self) -> None:
        """Check that every row is committed.

        Raises StoreError when rows are missing.
        """
        if not self.complete:
            there = self.header.rows - self.missing_rows + self._buffered
            raise StoreError(
                f"{self.root}: {there} of {self.header.rows} rows were appended: "
                "append the rest before finish()"
            )

    def _rows(self, shards: range) -> range:
        """The rows of a run of shards."""
        size = self.header.rows_per_shard
        return range(shards.start * size, min(shards.stop * size, self.header.rows))

    def _refuse_committed(self, stop: int) -> None:
        """Raise StoreError when the next rows, up to `stop`, reach into a shard that is committed."""
        gap = next((gap for gap in self._gaps if self._shard in gap), range(0))
        if stop > self._rows(gap).stop:
            raise StoreError(
                f"{self.root}: some of the rows up to {stop} are committed already: "
                "append the rows of each of gaps() and no others"
            )

    def _open(self) -> None:
        clear_staging(self.root)
        if (self.root / HEADER_FILE).exists():
            refuse_other(self.root, load_header(self.root), self.header)
        manifest = load_manifest(self.root, self.header)
        check_sizes(self.root, manifest.files)
        self._gaps = manifest.gaps(self.header)
        self._shard = self._gaps[0].start if self._gaps else self.header.n_shards
        self._check_space()
        try:
            if not (self.root / HEADER_FILE).exists():
                create_json(self.root / HEADER_FILE, attrs.asdict(self.header))
            drop_torn_line(self.root, manifest)
        except OSError as error:
            raise self._disk_error("the header", error) from error
        if manifest.creation is None:
            self._commit(CREATION, 0, {}, self._create)
        rows = min(self.header.rows_per_shard, self.header.rows)
        dtype = NUMPY_DTYPES[self.header.dtype]
        self._buffers = {a.name: np.empty((rows, a.columns), dtype) for a in self.header.arrays}

    def _close(self) -> None:
        self._buffers, self._buffered = {}, 0
        self._stack.close()

    def _check_space(self) -> None:
        width = sum(array.columns for array in self.header.arrays)
        item = NUMPY_DTYPES[self.header.dtype].itemsize
        needed = self.missing_rows * width * item
        disk = os.statvfs(self.root)
        free = disk.f_bavail * disk.f_frsize
        if needed > USABLE * free:
            raise StoreError(
                f"{self.root}: {needed / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free: "
                "make room, choose a narrower --storage.dtype, or write to another disk"
            )

    def _create(self, staging: Path) -> Sequence[str]:
        self._storage.create(staging, self.header)
        return [p.relative_to(staging).as_posix() for p in staging.rglob("*") if p.is_file()]

    def _commit_shard(self) -> None:
        shard, rows = self._shard, self._buffered
        arrays = {name: buffer[:rows] for name, buffer in self._buffers.items()}
        stats = {name: measure(decode(x, self.header.dtype)) for name, x in arrays.items()}

        def write(staging: Path) -> Sequence[str]:
            return self._storage.write_shard(staging, self.header, shard, arrays)

        self._commit(shard, rows, stats, write)
        rest = [range(shard + 1, gap.stop) if shard in gap else gap for gap in self._gaps]
        self._gaps = [gap for gap in rest if gap]
        self._shard, self._buffered = shard + 1, 0

    def _commit(
        self,
        shard: int,
        rows: int,
        stats: Mapping[str, ArrayStats],
        write: Callable[[Path], Sequence[str]],
    ) -> None:
        """Stage, checksum, flush, rename, and only then add the line that makes the rows exist."""
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
        except OSError as error:
            self._close()
            raise self._disk_error(f"shard {shard}", error) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _disk_error(self, what: str, error: OSError) -> StoreError:
        missing = sum(gap.stop - gap.start for gap in self._gaps)
        return StoreError(
            f"{self.root}: {what} could not be written ({error.strerror or error}): "
            f"{self.header.n_shards - missing} of {self.header.n_shards} shards are committed; "
            "mend the disk, then run the same command again to go on"
        )
