"""`traits.json` in what we export: who made these activations, which the foreign format cannot say."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs

from traits_core.durable import write_json
from traits_core.errors import StoreError
from traits_core.stores.formats.files import read_json
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.json_records import structure

ORIGIN_FILE: Final = "traits.json"


@attrs.frozen(kw_only=True)
class Origin:
    """The parts of a store's header that an export would lose; the arrays are in the export's order."""

    version: int = 1
    arrays: tuple[ArraySpec, ...]
    dataset: str
    dataset_digest: str
    split: str


def write_origin(root: Path, header: StoreHeader) -> None:
    """Write what `header` says to `root / traits.json`."""
    origin = Origin(
        arrays=header.arrays,
        dataset=header.dataset,
        dataset_digest=header.dataset_digest,
        split=header.split,
    )
    write_json(root / ORIGIN_FILE, attrs.asdict(origin))


def read_origin(root: Path, n_arrays: int, columns: int) -> Origin | None:
    """What was exported to `root`; None when another program wrote it.

    Raises StoreError when it is damaged, or is not about `n_arrays` arrays of `columns` columns.
    """
    path = root / ORIGIN_FILE
    if not path.exists() and not path.is_symlink():
        return None
    try:
        origin = structure(read_json(path), Origin)
    except (ValueError, StoreError) as error:
        raise StoreError(f"{path}: {error}") from error
    found = [array.columns for array in origin.arrays]
    if origin.version != 1 or found != [columns] * n_arrays:
        raise StoreError(f"{path}: not about {n_arrays} arrays of {columns} columns: delete it")
    return origin
