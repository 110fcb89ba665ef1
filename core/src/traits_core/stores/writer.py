"""The one way to write a store: rows in, whole shards out, each committed before the next begins."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs
from torch import Tensor

from traits_core.durable import create_json
from traits_core.errors import StoreError
from traits_core.interruption import deferring_signals, stop_if_asked
from traits_core.stores.batch import check_shapes
from traits_core.stores.commit import ArrayStats
from traits_core.stores.committer import Committer, Staged, memory_for
from traits_core.stores.files import check_sizes
from traits_core.stores.free_space import disk_error, refuse_small_disk
from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import HEADER_FILE, load_header
from traits_core.stores.lock import locked
from traits_core.stores.manifest import drop_torn_line, load_manifest
from traits_core.stores.open_shards import OpenShards
from traits_core.stores.ownership import clear_staging, refuse_foreign, refuse_other
from traits_core.stores.place import Place
from traits_core.stores.protocols import Storage
from traits_core.stores.shard_memory import ShardMemory


@attrs.frozen
class _InHand:
    """A shard on its way: its files are being written, or flushed and committed."""

    shard: int
    staged: Future[Staged]
    committed: Future[None]


class StoreWriter:
    """Writes the rows of a store that are not committed yet, in order.

    While rows are appended, one thread writes the files of the shard before them, and another one
    flushes and commits those of the shard before that.

    Memory: the shard that is being written, and every shard that rows touch which have a place and whose
    shard is not full, all in the stored dtype. Batches that are appended and shorter than a shard touch two
    shards at most; a longer one, all that it goes through. Threads that ask for places touch as many as the
    rows that they are ahead of `take`: whoever starts them sets the bound.

        with StoreWriter(root, header, storage) as writer:
            for rows in writer.gaps():
                for batch in batches(rows.start, rows.stop):
                    writer.append({"layer4": batch})
            writer.finish()

    A store that was never repaired has one gap: all that is behind its last committed shard.

    Leaving the block early loses the rows of the unfinished shard and nothing else; dying in it,
    those of the two shards in hand too. A signal that asks to stop waits for the shard's
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
        self._next = 0  # the row that is taken next
        self._open_shards = OpenShards(header, partial(memory_for, storage))
        self._stats: dict[str, ArrayStats] = {}  # of the rows taken of the next row's shard
        self._takes_rows = False
        self._in_hand: deque[_InHand] = deque()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        refuse_foreign(self.root)
        with ExitStack() as stack:
            stack.enter_context(locked(self.root))
            stack.enter_context(deferring_signals(patient=False))
            self._open()
            self._stager = ThreadPoolExecutor(1, thread_name_prefix="traits-stage")
            self._flusher = ThreadPoolExecutor(1, thread_name_prefix="traits-commit")
            stack.callback(self._open_shards.clear)
            stack.callback(self._stager.shutdown)
            stack.callback(self._flusher.shutdown)
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
            self._takes_rows = False
            self._stack.__exit__(kind, error, trace)

    @property
    def committed_rows(self) -> int:
        """The rows before the first one that is missing: where `append` begins.

        This, `missing`, `missing_rows` and `complete` wait for the shards in hand.
        """
        self._settle()
        return self._rows(self._gaps[0]).start if self._gaps else self.header.rows

    @property
    def missing(self) -> list[range]:
        """Each run of rows that are not committed."""
        self._settle()
        return [self._rows(gap) for gap in self._gaps]

    @property
    def missing_rows(self) -> int:
        """How many rows are not committed, wherever they are."""
        return sum(map(len, self.missing))

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
            rows = self._rows(gap)
            self._next, self._stats = rows.start, {}
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
        if not self._takes_rows:
            raise self._closed()
        first = self._next
        place = self.place(first, first + check_shapes(self.header, arrays, first))
        for name, rows in arrays.items():
            place.put(name, rows)
        self.take(place)

    def place(self, first_row: int, stop_row: int) -> Place:
        """Memory for the rows [first_row, stop_row), which are put there and then taken.

        Threads may ask for places and fill them at the same time, in any order; `take` has an order.
        Raises StoreError for rows that were taken or committed already, or that no store of this header has.
        """
        if not self._takes_rows:
            raise self._closed()
        first_shard = first_row // self.header.rows_per_shard
        gap = next((gap for gap in self._gaps if first_shard in gap), range(0))
        if first_row < self._next or stop_row > self._rows(gap).stop:
            raise StoreError(
                f"{self.root}: rows {first_row} to {stop_row} are not all missing: "
                "append the rows of each of gaps() and no others"
            )
        return self._open_shards.place(first_row, stop_row)

    def take(self, place: Place) -> None:
        """Take rows that were put whole, the next ones of the store; what `append` does, and raises."""
        if not self._takes_rows:
            raise self._closed()
        if place.first_row != self._next:
            raise StoreError(f"{self.root}: row {self._next} comes next, not {place.first_row}")
        place.check_filled()
        for part in place.parts:
            for name, found in part.stats.items():
                self._stats[name] = self._stats.get(name, found).joined(found)
            self._next += part.outside.stop - part.outside.start
            if self._next == self._rows(range(part.shard, part.shard + 1)).stop:
                self._hand_over(part.shard)

    def finish(self) -> None:
        """Wait until every row is committed.

        Raises StoreError when rows are missing, or could not be written.
        """
        if not self.complete:
            there = self.header.rows - self.missing_rows + self._waiting
            raise StoreError(
                f"{self.root}: {there} of {self.header.rows} rows were appended: "
                "append the rest before finish()"
            )

    def _rows(self, shards: range) -> range:
        """The rows of a run of shards."""
        size = self.header.rows_per_shard
        return range(shards.start * size, min(shards.stop * size, self.header.rows))

    @property
    def _waiting(self) -> int:
        """How many rows were taken of a shard that is not full."""
        return self._next % self.header.rows_per_shard if self._next < self.header.rows else 0

    def _closed(self) -> StoreError:
        return StoreError(f"{self.root}: rows can be appended inside the `with` block only")

    def _open(self) -> None:
        clear_staging(self.root)
        if (self.root / HEADER_FILE).exists():
            refuse_other(self.root, load_header(self.root), self.header)
        manifest = load_manifest(self.root, self.header)
        check_sizes(self.root, manifest.files)
        self._gaps = manifest.gaps(self.header)
        self._next = self._rows(self._gaps[0]).start if self._gaps else self.header.rows
        refuse_small_disk(self.root, self.header, self.missing_rows)
        try:
            if not (self.root / HEADER_FILE).exists():
                create_json(self.root / HEADER_FILE, attrs.asdict(self.header))
            drop_torn_line(self.root, manifest)
            if manifest.creation is None:
                self._committer.create()
        except OSError as error:
            raise self._disk_error("the header", error) from error
        self._takes_rows = True

    def _hand_over(self, shard: int) -> None:
        """Have a shard that is full written and committed."""
        before = self._in_hand[-1] if self._in_hand else None
        if before and before.staged.exception():  # which waits until it is written
            self._settle()
        self._settle(leave=1)
        memory = self._open_shards.close(shard)
        stats, self._stats = self._stats, {}
        staged = self._stager.submit(self._stage, shard, memory, stats)
        committed = self._flusher.submit(self._commit, staged, before.committed if before else None)
        self._in_hand.append(_InHand(shard, staged, committed))
        stop_if_asked()

    def _stage(self, shard: int, memory: ShardMemory, stats: Mapping[str, ArrayStats]) -> Staged:
        try:
            rows = memory.blocks(self.header.shard_rows(shard))
            return self._committer.stage(shard, rows, stats)
        finally:
            self._open_shards.give_back(memory)

    def _commit(self, staged: Future[Staged], before: Future[None] | None) -> None:
        self._committer.commit(staged.result(), before)

    def _settle(self, leave: int = 0) -> None:
        """Wait until all but the last `leave` shards are committed; raise what kept one from being so."""
        while len(self._in_hand) > leave:
            shard = self._in_hand[0].shard
            try:
                self._in_hand.popleft().committed.result()
            except BaseException as error:
                self._takes_rows = False
                self._in_hand.clear()  # they fail as this one does
                if isinstance(error, OSError):
                    raise self._disk_error(f"shard {shard}", error) from error
                raise
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
