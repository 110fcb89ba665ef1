"""The small stores that storages write and read in the checks: five shards of two arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from traits_core.records import FeatureSpec
from traits_core.stores.dtypes import TORCH_DTYPES
from traits_core.stores.header import DTYPES, ArraySpec, StoreHeader
from traits_core.stores.protocols import Storage
from traits_core.stores.reader import Store, open_store
from traits_core.stores.writer import StoreWriter
from traits_core.testing.case import Case

ROWS: Final = 76
POSITIONS: Final = 2
COLUMNS: Final = {"narrow": 3, "wide.2": 37}


def small_header(case: Case, dtype: str = "float32", kind: str = "activations") -> StoreHeader:
    """A store of 76 rows in chunks of at most 8 and shards of at most 16, the last ones shorter."""
    feature = FeatureSpec(
        backbone="none",
        checkpoint="0",
        layer="only",
        d_model=3,
        position="cell",
        grid=(1, 2),
        preprocessing="none",
    )
    scorer = None if kind == "activations" else "0"
    return StoreHeader(
        kind=kind,
        storage=case.spec.name,
        dtype=dtype,
        rows=ROWS,
        positions=POSITIONS if kind == "activations" else 1,
        rows_per_shard=16,
        chunk_rows=8,
        chunk_columns=37 if kind == "activations" else 5,
        arrays=tuple(
            ArraySpec(name=name, columns=columns, feature=feature, scorer=scorer)
            for name, columns in COLUMNS.items()
        ),
        dataset="none",
        dataset_digest="0",
        split="train",
    )


def all_headers(case: Case) -> list[StoreHeader]:
    """Activations and scores in every dtype."""
    return [
        small_header(case, dtype, kind) for dtype in DTYPES for kind in ("activations", "scores")
    ]


def values(header: StoreHeader) -> dict[str, Tensor]:
    """Rows of every array in the stored dtype: zeros, tiny and large values, negatives, all of them."""
    generator = torch.Generator().manual_seed(0)
    arrays = {}
    for array in header.arrays:
        rows_nd = torch.randn(header.rows, array.columns, generator=generator)
        rows_nd[::5] *= 2.0**13
        rows_nd[1::5] *= 2.0**-20
        rows_nd[8:24] = 0
        arrays[array.name] = rows_nd.to(TORCH_DTYPES[header.dtype])
    return arrays


def write(case: Case, root: Path, header: StoreHeader, start: int = 0, stop: int = ROWS) -> None:
    """Append rows [start, stop), 7 at a time, through the core's writer; finish when all are there."""
    storage: Storage = case.build()
    with StoreWriter(root, header, storage) as writer:
        for first in range(start, stop, 7):
            batch = slice(first, min(first + 7, stop))
            writer.append({name: rows_nd[batch] for name, rows_nd in values(header).items()})
        if stop == header.rows:
            writer.finish()


def opened(case: Case, root: Path) -> Store:
    """Open a store as every reader does: with the storage's default options."""
    return open_store(root, case.registry)
