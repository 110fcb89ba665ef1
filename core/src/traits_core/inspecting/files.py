"""Single files and arrays: .npy, .npz, safetensors, zarr. Headers are read, data never."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import zarr

from traits_core.errors import StoreError
from traits_core.inspecting.finding import Finding
from traits_core.registry.plugins import Registry
from traits_core.stores.formats.npy_header import inspect_header
from traits_core.stores.formats.npz_file import open_npz

ZARR = ("zarr.json", ".zarray", ".zgroup")


def inspect_npy(path: Path, registry: Registry) -> Finding | None:
    """Describe a .npy file; None for any other name."""
    if path.suffix != ".npy" or not path.is_file():
        return None
    header = inspect_header(path)
    facts = {"array": f"{header.dtype} {list(header.shape)}", "bytes": path.stat().st_size}
    return Finding(path=path, kind="npy", summary="one numpy array", facts=facts)


def inspect_npz(path: Path, registry: Registry) -> Finding | None:
    """Describe the arrays of a .npz file; None for any other name."""
    if path.suffix != ".npz" or not path.is_file():
        return None
    with open_npz(path) as npz:
        members = filter(None, map(npz.member, npz.names()))
        arrays = {m.name: f"{m.header.dtype} {list(m.header.shape)}" for m in members}
    return _arrays(path, "npz", "numpy arrays in a zip", arrays)


def inspect_safetensors(path: Path, registry: Registry) -> Finding | None:
    """Describe the tensors of a safetensors file; None for any other name."""
    if path.suffix != ".safetensors" or not path.is_file():
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  # not a dict
            arrays = {name: f"{s.get_dtype()} {s.get_shape()}" for name, s in slices.items()}
    except (SafetensorError, OSError) as error:
        raise StoreError(f"{path}: not a readable safetensors file: {error}") from error
    return _arrays(path, "safetensors", "tensors in a safetensors file", arrays)


def inspect_zarr(path: Path, registry: Registry) -> Finding | None:
    """Describe a zarr array or group; None for a directory without zarr's metadata."""
    if not any((path / name).is_file() for name in ZARR):
        return None
    try:
        found = zarr.open(path, mode="r")
        members = [("", found)] if isinstance(found, zarr.Array) else list(found.arrays())
    except Exception as error:  # zarr raises whatever its metadata leads it to
        raise StoreError(f"{path}: not readable zarr: {error}") from error
    arrays = {name or path.name: f"{array.dtype} {list(array.shape)}" for name, array in members}
    return _arrays(path, "zarr", "zarr, but no store of traits", arrays)


def _arrays(path: Path, kind: str, summary: str, arrays: Mapping[str, str]) -> Finding:
    facts: dict[str, Any] = {"arrays": [f"{name}: {what}" for name, what in arrays.items()]}
    if path.is_file():
        facts["bytes"] = path.stat().st_size
    return Finding(path=path, kind=kind, summary=summary, facts=facts)
