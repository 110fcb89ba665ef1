"""What is this? The first that recognises it answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from traits_core.errors import DataError
from traits_core.inspecting.files import inspect_npy, inspect_npz, inspect_safetensors, inspect_zarr
from traits_core.inspecting.finding import Finding
from traits_core.inspecting.runs import inspect_run, inspect_scorer
from traits_core.inspecting.stores import inspect_foreign, inspect_store
from traits_core.registry.plugins import Registry

Look = Callable[[Path, Registry], Finding | None]

LOOKS: Final[tuple[Look, ...]] = (
    inspect_store,
    inspect_run,
    inspect_scorer,
    inspect_foreign,
    inspect_zarr,
    inspect_npy,
    inspect_npz,
    inspect_safetensors,
)
"""A store of ours is zarr too, hence the order."""


def inspect(path: Path, registry: Registry) -> Finding:
    """Say what `path` is. Reads headers and metadata, executes nothing, changes nothing.

    Raises DataError when nobody recognises it, StoreError when it is recognised and damaged.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist")
    for look in LOOKS:
        if finding := look(path, registry):
            return finding
    formats = ", ".join(spec.name for spec in registry.specs("format"))
    raise DataError(
        f"{path}: nobody recognises this. Looked for: a store (store.json), a run (run.json), a "
        f"scorer (scorer.json), a foreign format ({formats}), zarr (zarr.json), and files named "
        ".npy, .npz and .safetensors"
    )
