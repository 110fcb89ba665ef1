"""The stores that are measured: normal activations, 64 positions per example."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs
import numpy as np
import torch

from traits_core.records import FeatureSpec
from traits_core.registry.loader import load_registry
from traits_core.registry.plugins import Registry
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.reader import Store, open_store
from traits_core.stores.writer import StoreWriter

COLUMNS: Final = 768
POSITIONS: Final = 64
BLOCK_ROWS: Final = 16384


def registry() -> Registry:
    """The installed storages."""
    return load_registry()


def header(storage: str, kind: str, dtype: str, rows: int, columns: int) -> StoreHeader:
    """A store of one array, laid out as `storage` plans it by default."""
    feature = FeatureSpec(
        backbone="none",
        checkpoint="none",
        layer="0",
        d_model=COLUMNS,
        position="token",
        grid=None,
        preprocessing="none",
    )
    scorer = None if kind == "activations" else "none"
    arrays = (ArraySpec(name="0", columns=columns, feature=feature, scorer=scorer),)
    positions = POSITIONS if kind == "activations" else 1
    spec = registry().get("storage", storage)
    layout = spec.load()(spec.config()).plan(kind, rows, positions, arrays)
    return StoreHeader(
        kind=kind,
        storage=storage,
        dtype=dtype,
        rows=rows,
        positions=positions,
        arrays=arrays,
        dataset="none",
        dataset_digest="none",
        split="train",
        **attrs.asdict(layout),
    )


def writer(root: Path, head: StoreHeader) -> StoreWriter:
    """A writer of that store."""
    spec = registry().get("storage", head.storage)
    return StoreWriter(root, head, spec.load()(spec.config()))


def block() -> torch.Tensor:
    """Activations in float16: [16384, 768], the same on every call."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(BLOCK_ROWS, COLUMNS, generator=generator).half()


def activations(root: Path, storage: str, rows: int) -> Store:
    """Write `rows` float16 activations, which repeat themselves, and open them."""
    acts_nd = block()
    with writer(root, header(storage, "activations", "float16", rows, COLUMNS)) as out:
        for first in range(0, rows, BLOCK_ROWS):
            out.append({"0": acts_nd[: rows - first]})
        out.finish()
    return open_store(root, registry())


def plain_file(path: Path, rows: int) -> np.memmap:
    """The same rows as one file of float16, mapped."""
    acts_nd = block().numpy()
    with path.open("wb") as file:
        for first in range(0, rows, BLOCK_ROWS):
            file.write(acts_nd[: rows - first].data)
    return np.memmap(path, np.float16, "c", shape=(rows, COLUMNS))
