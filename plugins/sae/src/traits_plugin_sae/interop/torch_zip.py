"""Reads tensors from a file of `torch.save`: a zip with a pickle that describes them, and their bytes."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from traits_core import StoreError
from traits_plugin_sae.interop.tensor_pickle import Stored, read_pickle


def read_torch_zip(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a saved state dict, on the CPU, in their own dtypes.

    Bytes before the zip are skipped. Raises StoreError when the file is damaged, when it is in the
    format that torch wrote before 1.6, or when its pickle asks for anything but tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            roots = {
                name.removesuffix("data.pkl")
                for name in archive.namelist()
                if name.endswith("/data.pkl")
            }
            if len(roots) != 1:
                raise ValueError(f"it has {len(roots)} members data.pkl, and needs one")
            (root,) = roots
            if root + "byteorder" in archive.namelist() and (
                _member(archive, root + "byteorder") != b"little"
            ):
                raise ValueError("its bytes are big-endian")
            described = read_pickle(bytes(_member(archive, root + "data.pkl")))
            storages: dict[str, Tensor] = {}
            return {
                name: _tensor(archive, f"{root}data/", stored, storages)
                for name, stored in described.items()
            }
    except (
        *(zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError),
        *(ValueError, KeyError, IndexError, TypeError, AttributeError),
    ) as error:
        reason = str(error) or "it is truncated"
        raise StoreError(
            f"{path}: not a file of tensors that torch.save wrote: {reason}"
        ) from error


def _member(archive: zipfile.ZipFile, name: str) -> bytearray:
    """The bytes of a member, which must be stored as they are: no memory beyond the file's length."""
    info = archive.getinfo(name)
    if info.header_offset + info.compress_size > archive.start_dir:
        raise ValueError(f"{name} claims {info.compress_size} bytes, more than the file has")
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise ValueError(f"{name} is compressed")
    data = bytearray(info.file_size)
    with archive.open(info) as stream:
        if stream.readinto(data) != len(data) or stream.read(1):  # type: ignore[attr-defined]  # IO[bytes] has it
            raise ValueError(f"{name} is truncated")
    return data


def _tensor(
    archive: zipfile.ZipFile, root: str, stored: Stored, storages: dict[str, Tensor]
) -> Tensor:
    """The values of a described tensor; each storage is read once."""
    stored.check()
    storage = stored.storage
    if not math.prod(stored.size):
        return torch.empty(stored.size, dtype=storage.dtype)
    if storage.key not in storages:
        storages[storage.key] = torch.frombuffer(
            _member(archive, root + storage.key), dtype=torch.uint8
        )
    values_n = storages[storage.key].view(storage.dtype)
    if len(values_n) != storage.numel:
        raise ValueError(f"storage {storage.key} has {len(values_n)} values, not {storage.numel}")
    return values_n.as_strided(stored.size, stored.stride, stored.offset)
