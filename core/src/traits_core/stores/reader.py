"""Reading a store: what its manifest vouches for, all of it or an error."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from traits_core.errors import StoreError
from traits_core.stores.commit import Commit
from traits_core.stores.dtypes import NUMPY_DTYPES, decode
from traits_core.stores.files import check_sizes, checksum
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.json_records import HEADER_FILE, canonical, load_header
from traits_core.stores.manifest import Manifest, load_manifest
from traits_core.stores.protocols import StorageReader

if TYPE_CHECKING:
    from traits_core.registry.plugins import Registry


@attrs.frozen(eq=False)
class Store:
    """A complete store, open for reading; may be shared by threads.

    Parameters
    ----------
    root: its directory
    header: what it is
    shards: the commits of its rows, in order
    digest: sha256 over header and shard checksums: it names the contents, wherever they lie
    """

    root: Path
    header: StoreHeader
    shards: tuple[Commit, ...]
    digest: str
    _reader: StorageReader

    def array(self, name: str) -> ArraySpec:
        """The description of one array; StoreError when there is none of that name."""
        for array in self.header.arrays:
            if array.name == name:
                return array
        known = ", ".join(array.name for array in self.header.arrays)
        raise StoreError(f"{self.root}: no array named {name!r}; there are: {known}")

    def read(self, array: str, start: int, stop: int, columns: slice = slice(None)) -> Tensor:
        """Read rows [start, stop) of one array: [stop - start, columns], in the stored float dtype.

        `columns` is a slice of step 1 within the array's columns; any part of a chunk costs all of it.

        Raises StoreError for rows or columns that are not there, and for bytes that are missing or
        damaged, naming the shard.
        """
        first, last = self._column_range(self.array(array), columns)
        if not 0 <= start <= stop <= self.header.rows:
            raise StoreError(
                f"{self.root}: rows {start} to {stop} of {array!r} were asked for, "
                f"there are {self.header.rows}"
            )
        size = self.header.rows_per_shard
        parts = [
            self._read_shard(shard, array, max(start, shard * size), stop, slice(first, last))
            for shard in range(start // size, -(-stop // size))
        ]
        if not parts:
            return decode(np.empty((0, last - first), self._dtype), self.header.dtype)
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return decode(whole, self.header.dtype)

    @property
    def _dtype(self) -> np.dtype[Any]:
        return NUMPY_DTYPES[self.header.dtype]

    def _column_range(self, array: ArraySpec, columns: slice) -> tuple[int, int]:
        first = 0 if columns.start is None else columns.start
        last = array.columns if columns.stop is None else columns.stop
        if columns.step not in (None, 1) or not 0 <= first < last <= array.columns:
            raise StoreError(
                f"{self.root}: columns {columns} of {array.name!r} were asked for, "
                f"there are {array.columns}"
            )
        return first, last

    def _read_shard(
        self, shard: int, array: str, start: int, stop: int, columns: slice
    ) -> NDArray[Any]:
        """Read [start, stop) as far as it lies in `shard`; whatever a format raises is a StoreError."""
        stop = min(stop, (shard + 1) * self.header.rows_per_shard)
        try:
            values = self._reader.read(array, start, stop, columns)
        except Exception as error:
            raise self._damaged(shard, str(error)) from error
        expected = (stop - start, columns.stop - columns.start)
        if values.shape != expected or values.dtype != self._dtype:
            found = f"{values.dtype} {values.shape}, expected {self._dtype} {expected}"
            raise self._damaged(shard, f"the format returned {found}")
        return values

    def _damaged(self, shard: int, why: str) -> StoreError:
        return StoreError(
            f"{self.root}: shard {shard} is damaged: {why}. `traits verify {self.root} --full "
            "--repair` takes it out, and the command that wrote the store writes it again"
        )


def open_store(root: Path, registry: Registry) -> Store:
    """Open a complete store: header and manifest are validated, the size of every file is checked.

    Data is checked against its checksums when it is read.

    Raises StoreError when it is missing, incomplete or damaged; ConfigError when its storage is not
    installed.
    """
    header = load_header(root)
    manifest = load_manifest(root, header)
    if manifest.creation is None or not manifest.complete(header):
        raise StoreError(
            f"{root} is incomplete: {len(manifest.shards)} of {header.n_shards} shards; "
            "run the command that wrote it again to go on"
        )
    _check_files(root, manifest, manifest.creation)
    spec = registry.get("storage", header.storage)
    try:
        reader = spec.load()(spec.config()).open(root, header)
    except (StoreError, OSError, ValueError, KeyError) as error:
        raise StoreError(f"{root}: {header.storage} cannot open it: {error}") from error
    return Store(root, header, manifest.shards, _digest(header, manifest), reader)


def is_complete(root: Path) -> bool:
    """True when all rows of the store are committed; reads header and manifest only.

    Raises StoreError when these are damaged.
    """
    if not (root / HEADER_FILE).exists():
        return False
    header = load_header(root)
    return load_manifest(root, header).complete(header)


def _check_files(root: Path, manifest: Manifest, creation: Commit) -> None:
    check_sizes(root, manifest.files)
    for file in creation.files:
        if checksum(root / file.name) != file.xxh3:
            raise StoreError(
                f"{root}: {file.name} is damaged: its checksum is not the manifest's. "
                f"`traits verify {root} --repair` takes it out"
            )


def _digest(header: StoreHeader, manifest: Manifest) -> str:
    digest = hashlib.sha256(canonical(header))
    for commit in manifest.shards:
        for file in commit.files:
            digest.update(f"\n{file.name} {file.bytes} {file.xxh3}".encode())
    return digest.hexdigest()
