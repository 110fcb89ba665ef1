"""Copying a store into another storage or format, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from traits_core.config.run_config import Choice
from traits_core.errors import StoreError
from traits_core.progress import Progress
from traits_core.stores.extras import WithExtras
from traits_core.stores.foreign import OpenStore
from traits_core.stores.header import StoreHeader
from traits_core.stores.protocols import Format, Storage
from traits_core.stores.writer import StoreWriter

if TYPE_CHECKING:
    from torch import Tensor


def convert(
    source: OpenStore, root: Path, target: Choice, dtype: str | None, progress: Progress
) -> Path:
    """Write `source` to `root` in the target's format; return the directory that holds it.

    A store of ours is written shard by shard: a conversion that was killed goes on when called
    again. A foreign directory appears whole or not at all. Memory: one shard of the target and one
    chunk of the source, or what the format documents.

    Parameters
    ----------
    source: opened by `open_any`, perhaps narrowed by `select_layers`
    root: a new or empty directory, or one that this same conversion has begun
    target: a storage or a format, with its options
    dtype: `float32`, `float16` or `bfloat16`; None keeps the source's where the target can

    Raises StoreError when `root` holds something else, when a value is too large for `dtype`, and
    what reading and writing raise.
    """
    refuse_overlap(source.store.root, root)
    if target.spec.kind == "format":
        writing: Format = target.build()
        return writing.write(root, source, dtype, progress)
    storage: Storage = target.build()
    header = _header(source, storage, target.spec.name, dtype)
    store, names = source.store, [array.name for array in header.arrays]

    def read(start: int, stop: int) -> Mapping[str, Tensor]:
        return {name: store.read(name, start, stop) for name in names}

    extended = WithExtras(storage, source.extras)
    write_rows(root, header, extended, read, store.header.chunk_rows, progress)
    return root


def write_rows(
    root: Path,
    header: StoreHeader,
    storage: Storage,
    read: Callable[[int, int], Mapping[str, Tensor]],
    step: int,
    progress: Progress,
) -> None:
    """Write the rows that `root` lacks of the store that `header` describes.

    Parameters
    ----------
    read: `read(start, stop)` gives these rows of every array
    step: no more rows are read at once, and never beyond a multiple of it
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    with StoreWriter(root, header, storage) as writer:
        done = writer.committed_rows
        with progress.track(f"writing {root}", header.rows, "rows", done) as advance:
            for rows in writer.gaps():
                for start, stop in _chunks(rows, step):
                    writer.append(read(start, stop))
                    advance(stop - start)
        writer.finish()


def _chunks(rows: range, size: int) -> Iterator[tuple[int, int]]:
    start = rows.start
    while start < rows.stop:
        stop = min(rows.stop, (start // size + 1) * size)
        yield start, stop
        start = stop


def _header(source: OpenStore, storage: Storage, name: str, dtype: str | None) -> StoreHeader:
    """The source's own, but for how rows are kept, and where they came from."""
    header = source.store.header
    layout = storage.plan(header.kind, header.rows, header.positions, header.arrays)
    return attrs.evolve(
        header,
        storage=name,
        dtype=dtype or header.dtype,
        source=source.store.digest if header.kind == "activations" else header.source,
        **attrs.asdict(layout),
    )


def refuse_overlap(source: Path, root: Path) -> None:
    """Raise StoreError when one of both directories is in the other."""
    one, other = source.resolve(), root.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise StoreError(f"{root} and {source} overlap: write to a directory outside the source")
