"""The header of a .npy array, believed only when the length of the data agrees with it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import IO, Any, Final

import attrs
import numpy as np

from traits_core.errors import StoreError
from traits_core.stores.formats.files import open_plain, plain_size

MAX_HEADER: Final = 4096


@attrs.frozen(kw_only=True)
class NpyHeader:
    """Shape, dtype and order of an array; its data are the `nbytes` from `offset` to the end."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int
    nbytes: int


def read_npy_header(stream: IO[bytes], length: int, what: str) -> NpyHeader:
    """Read a header; `stream` is then where the data begin.

    Parameters
    ----------
    stream: at its beginning, and able to tell where it is
    length: bytes in `stream`
    what: its name, for errors

    Raises StoreError for Python objects, which are pickles, and when `length` is not what shape and
    dtype need; ValueError for what is no header. Only version 1.0 is read: in later ones a header may
    be 4 GiB, and numpy uses them for structured arrays alone.
    """
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f".npy version {version}, only (1, 0) is read")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream, max_header_size=MAX_HEADER)
    offset = stream.tell()
    nbytes = length - offset
    if dtype.hasobject:
        raise StoreError(f"{what} holds Python objects, a pickle: refused")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != nbytes:
        raise StoreError(f"{what} claims {dtype} {shape} and has {nbytes} bytes of data")
    return NpyHeader(shape=tuple(shape), dtype=dtype, fortran=fortran, offset=offset, nbytes=nbytes)


def inspect_header(path: Path) -> NpyHeader:
    """The header of a .npy file; StoreError when it is none."""
    length = plain_size(path)
    try:
        with open_plain(path) as file:
            return read_npy_header(file, length, str(path))
    except (ValueError, OSError) as error:
        raise StoreError(f"{path}: no readable array: {error}") from error
