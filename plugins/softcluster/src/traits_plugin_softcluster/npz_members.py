"""Arrays inside NPZ files, read from the archive as they are needed; nothing is ever unpickled."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final
from zipfile import BadZipFile, ZipFile

import attrs
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from traits_core import DataError

DAMAGE: Final = (BadZipFile, OSError, EOFError, RuntimeError, zlib.error)
"""What reading a damaged archive raises; RuntimeError for what it then claims to be, as encrypted."""


@attrs.frozen(eq=False)
class NpzMember:
    """An open array of an NPZ file, in C order, read from its first row on.

    Parameters
    ----------
    source: file and name, for errors
    shape, dtype: what its header says; the size of the member agrees with them
    stream: stands behind the header
    """

    source: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stream: IO[bytes]

    def rows(self, n_rows: int) -> NDArray[Any]:
        """The next `n_rows` along the first axis; raises DataError when they are not all there."""
        shape = (n_rows, *self.shape[1:])
        n_bytes = math.prod(shape) * self.dtype.itemsize
        data = self.stream.read(n_bytes)
        if len(data) != n_bytes:
            raise DataError(f"{self.source} ends early: copy the file again")
        return np.frombuffer(data, self.dtype).reshape(shape)


@contextmanager
def open_npz(path: Path) -> Iterator[ZipFile]:
    """Open an NPZ file; raises DataError when there is none, or reading it shows that it is damaged."""
    try:
        with ZipFile(path) as archive:
            yield archive
    except DAMAGE as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{path}: not a readable NPZ file: {reason}") from error


@contextmanager
def open_member(archive: ZipFile, name: str) -> Iterator[NpzMember]:
    """Open the array `name` and read its header.

    Raises DataError when there is none, when it holds Python objects or is in Fortran order, and
    when the size of the member is not that of the array.
    """
    source = f"{archive.filename}: array {name!r}"
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        present = ", ".join(sorted(archive.namelist()))
        raise DataError(f"{source} is missing; the file holds {present}") from None
    with archive.open(info) as stream:
        try:
            version = npy.read_magic(stream)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, fortran_order, dtype = read(stream)
        except ValueError as error:
            raise DataError(f"{source} has no readable header: {error}") from error
        if dtype.hasobject or fortran_order:
            what = "Python objects" if dtype.hasobject else "values in Fortran order"
            raise DataError(f"{source} holds {what}: save it again as a plain array in C order")
        size = info.file_size - stream.tell()
        if size != math.prod(shape) * dtype.itemsize:
            raise DataError(f"{source} should be {dtype} {shape}, but has {size:,} bytes")
        yield NpzMember(source, shape, dtype, stream)


def read_array(archive: ZipFile, name: str) -> NDArray[Any]:
    """The whole array `name`; raises DataError as `open_member` does."""
    with open_member(archive, name) as member:
        return member.rows(member.shape[0]) if member.shape else member.rows(1)
