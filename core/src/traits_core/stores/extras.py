"""Arrays beside the rows of our own stores: `extras/<name>.npy`, covered by the manifest's first line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import StoreError
from traits_core.stores.committer import memory_for, write_shard
from traits_core.stores.files import StoredFile
from traits_core.stores.foreign import Extra
from traits_core.stores.header import ArraySpec, Layout, StoreHeader
from traits_core.stores.manifest import load_manifest
from traits_core.stores.protocols import Storage, StorageReader
from traits_core.stores.shard_memory import Blocks, ShardMemory

DIRECTORY: Final = "extras"
BLOCK: Final = 65_536
"""Items of the first axis that are copied at once."""


@attrs.frozen(eq=False)
class WithExtras:
    """A storage whose stores also get `extras`: written, flushed and checksummed like its own files."""

    storage: Storage
    extras: Mapping[str, Extra]

    @property
    def dtype(self) -> str:
        """The storage's own."""
        return self.storage.dtype

    def plan(self, kind: str, rows: int, positions: int, arrays: Sequence[ArraySpec]) -> Layout:
        """The storage's own."""
        return self.storage.plan(kind, rows, positions, arrays)

    def create(self, root: Path, header: StoreHeader) -> None:
        """What the storage writes, and a file for each extra. Memory: one block."""
        self.storage.create(root, header)
        for name, extra in self.extras.items():
            write_npy(root / DIRECTORY / f"{name}.npy", extra)

    def write_shard(
        self, staging: Path, header: StoreHeader, shard: int, arrays: Mapping[str, NDArray[Any]]
    ) -> Sequence[str]:
        """The storage's own."""
        return self.storage.write_shard(staging, header, shard, arrays)

    def memory(self, header: StoreHeader) -> ShardMemory:
        """The storage's own."""
        return memory_for(self.storage, header)

    def write_chunks(
        self, staging: Path, header: StoreHeader, shard: int, arrays: Blocks
    ) -> Sequence[StoredFile]:
        """The storage's own, of which it needs to have none."""
        return write_shard(self.storage, staging, header, shard, arrays)

    def open(self, root: Path, header: StoreHeader) -> StorageReader:
        """The storage's own."""
        return self.storage.open(root, header)


def write_npy(path: Path, extra: Extra) -> None:
    """Write `extra` as one .npy file, a block at a time."""
    path.parent.mkdir(exist_ok=True)
    facts = {
        "descr": np.lib.format.dtype_to_descr(extra.dtype),
        "fortran_order": False,
        "shape": extra.shape,
    }
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, facts)
        for start in range(0, extra.shape[0], BLOCK):
            block = extra.read(start, min(start + BLOCK, extra.shape[0]))
            file.write(np.ascontiguousarray(block, dtype=extra.dtype).tobytes())


def read_extras(root: Path, header: StoreHeader) -> dict[str, Extra]:
    """The extras that the manifest of a store lists; their bytes were checked when it was opened.

    Raises StoreError when one is no array.
    """
    creation = load_manifest(root, header).creation
    names = [PurePosixPath(file.name) for file in creation.files] if creation else []
    return {
        name.stem: _open_npy(root / name)
        for name in names
        if name.parent.as_posix() == DIRECTORY and name.suffix == ".npy"
    }


def _open_npy(path: Path) -> Extra:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: no readable array: {error}") from error
    return Extra(
        shape=array.shape, dtype=array.dtype, read=lambda start, stop: np.array(array[start:stop])
    )
