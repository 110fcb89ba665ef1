"""The one way to write a store: rows in, whole shards out, each committed before the next begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from traits_core.durable import create_json
from traits_core.errors import StoreError
from traits_core.interruption import deferring_signals, stop_if_asked
from traits_core.protocols import Storage
from traits_core.stores.batch import encode_batch
from traits_core.stores.committer import Committer
from traits_core.stores.dtypes import NUMPY_DTYPES
from traits_core.stores.files import check_sizes
from traits_core.stores.free_space import disk_error, refuse_small_disk
from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import HEADER_FILE, load_header
from traits_core.stores.lock import locked
from traits_core.stores.manifest import drop_torn_line, load_manifest
from traits_core.stores.ownership import clear_staging, refuse_foreign, refuse_other


class StoreWriter:
    """Writes the rows of a store that are not committed yet, in order.

    A thread commits a shard while the rows of the next are appended. Memory: two shards in the
    stored dtype, and the batch that is being appended.

        with StoreWriter(root, header, storage) as writer:
            for rows in writer.gaps():
                for batch in batches(rows.start, rows.stop):
                    writer.append({"layer4": batch})
            writer.finish()

    A store that was never repaired has one gap: all that is behind its last committed shard.

    Leaving the block early loses the rows of the unfinished shard and nothing else; dying in it,
    those of the shard that is being committed too. A signal that asks to stop waits for the shard's
    end, a second one does not.

    Parameters
    ----------
    root: directory of the store, created when missing
    header: what the store is; one that exists already must have the same
    storage: turns rows into files

    Entering raises BusyError when another process writes the store; StoreError when `root` holds
    something else, a store with another header, or a damaged one; DiskFullError when the disk is too
    small. A shard that cannot be written raises when the next one is full, at `finish`, or at the end
    of the block; the writer takes no rows after that.
    """

    def __init__(self, root: Path, header: StoreHeader, storage: Storage) -> None:
        self.root = root
        self.header = header
        self._committer = Committer(root, header, storage)
        self._gaps: list[range] = []  # shards that are not committed
        self._shard = 0  # where the next row goes: the shard, and the row in it
        self._buffered = 0
        self._buffers: dict[str, NDArray[Any]] = {}
        self._spare: dict[str, NDArray[Any]] = {}
        self._pending: tuple[int, Future[None]] | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        refuse_foreign(self.root)
        with ExitStack() as stack:
            stack.enter_context(locked(self.root))
            stack.enter_context(deferring_signals(patient=False))
            self._open()
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="traits-commit")
            stack.callback(self._thread.shutdown)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._settle()
        except Exception:
            if error is None:
                raise
        finally:
            self._buffers, self._spare = {}, {}
            self._stack.__exit__(kind, error, trace)

    @property
    def committed_rows(self) -> int:
        """The rows before the first one that is missing: where `append` begins.

        This, `missing_rows` and `complete` wait for the shard that is being committed.
        """
        self._settle()
        return self._rows(self._gaps[0]).start if self._gaps else self.header.rows

    @property
    def missing_rows(self) -> int:
        """How many rows are not committed, wherever they are."""
        self._settle()
        return sum(rows.stop - rows.start for rows in map(self._rows, self._gaps))

    @property
    def complete(self) -> bool:
        """True when all rows are committed."""
        self._settle()
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
        """Take the next rows of every array; each shard that they fill is committed meanwhile.

        Parameters
        ----------
        arrays: float tensors [n, columns] by array name, n >= 1 the same for all, on any device

        Raises DataError for no rows, NaN or infinity (naming array and row); StoreError for another
        shape than the header's, values too large for the dtype, and when an earlier shard could not
        be written (DiskFullError when the disk is full).
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
                self._hand_over()

    def finish(self) -> None:
        """Wait until every row is committed.

        Raises StoreError when rows are missing, or could not be written.
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
        refuse_small_disk(self.root, self.header, self.missing_rows)
        try:
            if not (self.root / HEADER_FILE).exists():
                create_json(self.root / HEADER_FILE, attrs.asdict(self.header))
            drop_torn_line(self.root, manifest)
            if manifest.creation is None:
                self._committer.create()
        except OSError as error:
            raise self._disk_error("the header", error) from error
        self._buffers, self._spare = self._new_buffers(), self._new_buffers()

    def _new_buffers(self) -> dict[str, NDArray[Any]]:
        rows = min(self.header.rows_per_shard, self.header.rows)
        dtype = NUMPY_DTYPES[self.header.dtype]
        return {a.name: np.empty((rows, a.columns), dtype) for a in self.header.arrays}

    def _hand_over(self) -> None:
        """Have the thread commit the shard that is full, and go on with the other buffers."""
        self._settle()
        arrays = {name: buffer[: self._buffered] for name, buffer in self._buffers.items()}
        commit = self._thread.submit(self._committer.commit, self._shard, arrays)
        self._pending = self._shard, commit
        self._buffers, self._spare = self._spare, self._buffers
        self._shard, self._buffered = self._shard + 1, 0
        stop_if_asked()

    def _settle(self) -> None:
        """Wait for the shard that is being committed, if any; raise what kept it from being so."""
        if self._pending is None:
            return
        (shard, commit), self._pending = self._pending, None
        buffers, self._buffers = self._buffers, {}  # a writer that failed takes no rows
        try:
            commit.result()
        except OSError as error:
            raise self._disk_error(f"shard {shard}", error) from error
        self._buffers = buffers
        rest = [range(shard + 1, gap.stop) if shard in gap else gap for gap in self._gaps]
        self._gaps = [gap for gap in rest if gap]

    def _disk_error(self, what: str, error: OSError) -> StoreError:
        missing = sum(gap.stop - gap.start for gap in self._gaps)
        return disk_error(
            f"{self.root}: {what} could not be written ({error.strerror or error}): "
            f"{self.header.n_shards - missing} of {self.header.n_shards} shards are committed; "
            "mend the disk, then run the same command again to go on",
            error,
        )
