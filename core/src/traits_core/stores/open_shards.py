"""Memory of the shards that rows are being put into: taken when a row needs it, used again afterwards."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from threading import Lock

from traits_core.stores.header import StoreHeader
from traits_core.stores.place import Part, Place
from traits_core.stores.shard_memory import ShardMemory


class OpenShards:
    """The shards of a store that are neither empty nor full; threads may ask at the same time.

    Parameters
    ----------
    header: of the store
    new: makes memory for a shard of it
    """

    def __init__(self, header: StoreHeader, new: Callable[[StoreHeader], ShardMemory]) -> None:
        self._header = header
        self._new = new
        self._lock = Lock()
        self._open: dict[int, ShardMemory] = {}
        self._unused: list[ShardMemory] = []

    def place(self, first_row: int, stop_row: int) -> Place:
        """Memory for the rows [first_row, stop_row), in as many shards as they touch."""
        size = self._header.rows_per_shard
        inner = range(first_row // size * size + size, stop_row, size)
        parts = [
            Part(
                shard=first // size,
                memory=self._memory(first // size).rows(
                    slice(first % size, first % size + stop - first)
                ),
                outside=slice(first - first_row, stop - first_row),
            )
            for first, stop in pairwise([first_row, *inner, stop_row])
        ]
        return Place(self._header, first_row, stop_row, parts)

    def close(self, shard: int) -> ShardMemory:
        """The memory of a shard that gets no more rows; whoever is done with it gives it back."""
        with self._lock:
            return self._open.pop(shard)

    def give_back(self, memory: ShardMemory) -> None:
        """Let another shard have it."""
        memory.clear()
        with self._lock:
            self._unused.append(memory)

    def clear(self) -> None:
        """Forget all rows that are here, and all memory."""
        with self._lock:
            self._open, self._unused = {}, []

    def _memory(self, shard: int) -> ShardMemory:
        with self._lock:
            if shard not in self._open:
                new = self._unused.pop() if self._unused else self._new(self._header)
                self._open[shard] = new
            return self._open[shard]
