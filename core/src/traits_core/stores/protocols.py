"""The contracts of plugin objects that keep rows in files: storages of ours, formats of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from traits_core.progress import Progress
    from traits_core.stores.foreign import ForeignStore, OpenStore
    from traits_core.stores.header import ArraySpec, Layout, StoreHeader


class StorageReader(Protocol):
    """Reads rows of one open store."""

    def read(self, array: str, start: int, stop: int, columns: slice = ...) -> NDArray[Any]:
        """Rows [start, stop) of one array, in the stored dtype. Missing bytes raise StoreError."""


class Storage(Protocol):
    """A file format for the arrays of a store. The factory is called as `factory(config)`.

    The core owns manifest, checksums, locks, fsync and renames: a storage turns rows into files in
    a staging directory, and files into rows.
    """

    @property
    def dtype(self) -> str:
        """The dtype that the user asked activations to be stored in: float32, float16, bfloat16."""

    def plan(self, kind: str, rows: int, positions: int, arrays: Sequence[ArraySpec]) -> Layout:
        """How a store of these dimensions (see `StoreHeader`) is cut into shards and chunks."""

    def create(self, root: Path, header: StoreHeader) -> None:
        """Write what the format needs beside shards into the empty directory `root`.

        The core then moves all files into the store, as it does with those of a shard.
        """

    def write_shard(
        self, staging: Path, header: StoreHeader, shard: int, arrays: Mapping[str, NDArray[Any]]
    ) -> Sequence[str]:
        """Write the rows of one shard below the empty directory `staging`; return the files, relative to it.

        The core then moves each file to the same relative path below the store's root. Names depend
        on `header` and `shard` alone: a shard that is written again replaces its own files. Arrays
        are in the stored dtype, bfloat16 as uint16.
        """

    def open(self, root: Path, header: StoreHeader) -> StorageReader: ...


class Format(Protocol):
    """A foreign format of activations, read where it is and written for export.

    The factory is called as `factory(config)`. What is read is hostile until it is checked: nothing
    is executed, no memory is asked for that the length of the files does not justify.
    """

    def recognizes(self, root: Path) -> bool:
        """True when `root` looks like this format, by the names of its files alone. Never raises."""

    def open(self, root: Path) -> ForeignStore:
        """Check what is there. Raises StoreError when it is damaged or incomplete."""

    def write(self, root: Path, source: OpenStore, dtype: str | None, progress: Progress) -> Path:
        """Write `source` below `root`, whole or not at all; return the directory that `open` takes.

        `dtype` None means the source's, or the only one that the format has. Raises StoreError when
        the format cannot hold `source`, or `root` holds something else; a format that names its
        directories itself may write one beside those it has written there.
        """
