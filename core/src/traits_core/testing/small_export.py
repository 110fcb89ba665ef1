"""The small stores that formats write in the checks, and what is read of what they wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from traits_core.errors import TraitsError
from traits_core.progress import Silent
from traits_core.records import FeatureSpec
from traits_core.registry.plugins import Registry
from traits_core.stores.dtypes import TORCH_DTYPES
from traits_core.stores.extras import WithExtras, read_extras
from traits_core.stores.foreign import INDEX, LABELS, Extra, OpenStore
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.json_records import header_digest
from traits_core.stores.protocols import Format, Storage, StorageReader
from traits_core.stores.reader import Store, open_store
from traits_core.stores.writer import StoreWriter
from traits_core.testing.case import Case
from traits_core.testing.expect import NotApplicable

ROWS: Final = 26
POSITIONS: Final = 2
COLUMNS: Final = 37
STORAGE: Final = "raw"
LENGTHS: Final = (3, 1, 4, 2, 3) * 2
"""Tokens of the sequences of a store whose padding was dropped: 26 rows."""


def source_header(
    dtype: str = "float32",
    kind: str = "activations",
    rows: int = ROWS,
    positions: int = POSITIONS,
    columns: tuple[int, ...] = (COLUMNS,),
) -> StoreHeader:
    """A store of 13 examples of two positions, and one array, unless told otherwise."""
    names = [f"layer.{i}" for i in range(len(columns))]
    return StoreHeader(
        kind=kind,
        storage=STORAGE,
        dtype=dtype,
        rows=rows,
        positions=positions,
        rows_per_shard=rows,
        chunk_rows=rows,
        chunk_columns=COLUMNS,
        arrays=tuple(
            ArraySpec(
                name=name,
                columns=width,
                feature=FeatureSpec(
                    backbone="none",
                    checkpoint="0",
                    layer=name,
                    d_model=width,
                    position="token",
                    grid=None,
                    preprocessing="none",
                ),
                scorer=None if kind == "activations" else "0",
            )
            for name, width in zip(names, columns, strict=True)
        ),
        dataset="none",
        dataset_digest="0",
        split="train",
    )


def values(header: StoreHeader, seed: int = 0, scale: float = 1.0) -> dict[str, Tensor]:
    """Rows of every array in the stored dtype, none of them zero."""
    generator = torch.Generator().manual_seed(seed)
    arrays = {}
    for array in header.arrays:
        rows_nd = scale * torch.randn(header.rows, array.columns, generator=generator)
        rows_nd[1::5] *= 2.0**13
        rows_nd[2::5] *= 2.0**-10
        arrays[array.name] = rows_nd.to(TORCH_DTYPES[header.dtype])
    return arrays


def extras(header: StoreHeader) -> dict[str, Extra]:
    """Which token each row is; and a class for each position, when examples have several."""
    if header.positions == 1:
        places = [(i, p) for i, length in enumerate(LENGTHS) for p in range(length)]
    else:
        places = [divmod(row, header.positions) for row in range(header.rows)]
    index = np.array([(i, p, 1000 + row) for row, (i, p) in enumerate(places)], np.int64)
    labels = 1 + np.arange(header.rows).reshape(-1, header.positions) % 250
    found = {INDEX: _extra(index), LABELS: _extra(labels.astype(np.uint8))}
    return found if header.positions > 1 else {INDEX: found[INDEX]}


def make_source(
    registry: Registry, root: Path, header: StoreHeader, seed: int = 0, scale: float = 1.0
) -> OpenStore:
    """Write a store of ours to `root`, with extras where it holds activations, and open it."""
    spec = registry.get("storage", STORAGE)
    storage: Storage = spec.load()(spec.config())
    arrays = {} if header.kind == "scores" else extras(header)
    with StoreWriter(root, header, WithExtras(storage, arrays)) as writer:
        writer.append(values(header, seed, scale))
        writer.finish()
    return OpenStore(store=open_store(root, registry), extras=read_extras(root, header))


def export(case: Case, parent: Path, header: StoreHeader | None = None, seed: int = 0) -> Path:
    """Have the format write a small store below `parent`; the directory that holds it.

    Raises NotApplicable when it refuses to: then it is for import only.
    """
    source = make_source(case.registry, parent / "source", header or source_header(), seed)
    writing: Format = case.build()
    try:
        return writing.write(parent / "export", source, None, Silent())
    except TraitsError as error:
        raise NotApplicable(f"it writes no float32 activations of one layer: {error}") from error


def opened(case: Case, root: Path) -> OpenStore:
    """Open what a format wrote as every reader does: with its default options."""
    reading: Format = case.build(case.spec.config())
    found = reading.open(root)
    store = Store(root, found.header, (), header_digest(found.header), found.reader)
    return OpenStore(store=store, extras=found.extras)


def contents(source: OpenStore) -> dict[str, Tensor]:
    """Everything that can be read: rows by array, extras by name."""
    store = source.store
    rows = {a.name: store.read(a.name, 0, store.header.rows) for a in store.header.arrays}
    beside = {
        name: torch.from_numpy(np.array(extra.read(0, extra.shape[0])))
        for name, extra in source.extras.items()
    }
    return rows | {f"extra {name}": tensor for name, tensor in beside.items()}


def with_reader(source: OpenStore, reader: StorageReader) -> OpenStore:
    """The same store, read by another reader."""
    return attrs.evolve(source, store=attrs.evolve(source.store, reader=reader))


def _extra(array: NDArray[Any]) -> Extra:
    return Extra(shape=array.shape, dtype=array.dtype, read=lambda a, b: np.array(array[a:b]))
