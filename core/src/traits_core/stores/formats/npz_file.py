"""Arrays in one .npz file: no pickle, and no memory asked for before sizes agree."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import StoreError
from traits_core.stores.formats.files import open_plain
from traits_core.stores.formats.npy_header import NpyHeader, read_npy_header

MAX_BYTES: Final = 1 << 32
"""An array is read whole; a larger one is refused."""
MAX_RATIO: Final = 200
"""Activations shrink by less than 2, sparse ones by 50; beyond this, a zip bomb is assumed."""
SMALL: Final = 1 << 20
"""What inflates to no more than this is harmless, whatever it was."""
BLOCK: Final = 1 << 18
"""zipfile is quadratic in the length of a read."""
_COMPRESSIONS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,  # an encrypted member
)


@attrs.frozen(kw_only=True)
class Member:
    """One array of an .npz as it is declared; `crc` is the zip's CRC-32 of its bytes."""

    name: str
    header: NpyHeader
    compressed: int
    crc: int

    def refuse_bomb(self, path: Path) -> None:
        """Raise StoreError when this inflates out of all proportion, or is too large to be read."""
        nbytes = self.header.nbytes
        if nbytes > MAX_BYTES:
            raise StoreError(
                f"{path}: {self.name} {self.header.shape} is larger than {MAX_BYTES} bytes"
            )
        if nbytes > max(SMALL, MAX_RATIO * self.compressed):
            raise StoreError(
                f"{path}: {self.name} inflates from {self.compressed} to {nbytes} bytes: "
                "a zip bomb, not activations"
            )


@attrs.frozen(eq=False)
class NpzFile:
    """An open .npz file."""

    path: Path
    archive: zipfile.ZipFile

    def names(self) -> list[str]:
        """The arrays that are listed."""
        return [n.removesuffix(".npy") for n in self.archive.namelist() if n.endswith(".npy")]

    def member(self, name: str) -> Member | None:
        """What is declared of array `name`, None when there is none; reads its header only.

        Raises StoreError for a pickle, and for a shape that the length does not allow.
        """
        found = [info for info in self.archive.infolist() if info.filename == f"{name}.npy"]
        if not found:
            return None
        if len(found) > 1 or found[0].compress_type not in _COMPRESSIONS:
            raise StoreError(f"{self.path}: {name} must be there once, stored or deflated")
        if found[0].header_offset + found[0].compress_size > self.archive.start_dir:
            raise StoreError(
                f"{self.path}: {name} claims {found[0].compress_size} bytes, more than there are"
            )
        with self.archive.open(found[0]) as stream:
            header = read_npy_header(stream, found[0].file_size, f"{self.path}: {name}")
        return Member(name=name, header=header, compressed=found[0].compress_size, crc=found[0].CRC)

    def load(self, member: Member) -> NDArray[Any]:
        """Read one array, whose size the caller has found acceptable; its CRC-32 is checked."""
        header, filled = member.header, 0
        buffer = np.empty(header.nbytes, np.uint8)
        with self.archive.open(f"{member.name}.npy") as stream:
            assert isinstance(stream, zipfile.ZipExtFile)
            stream.read(header.offset)
            while n := stream.readinto(buffer.data[filled : filled + BLOCK]):
                filled += n
            ended = not stream.read(1)  # zipfile checks the CRC at the end, and only there
        if filled < header.nbytes or not ended:
            raise StoreError(f"{self.path}: {member.name} has another length than it claims")
        if header.fortran:
            return buffer.view(header.dtype).reshape(header.shape[::-1]).transpose()
        return buffer.view(header.dtype).reshape(header.shape)


@contextmanager
def open_npz(path: Path) -> Iterator[NpzFile]:
    """Open an .npz file; whatever is wrong with it, inside the block too, is a StoreError."""
    try:
        with open_plain(path) as file, zipfile.ZipFile(file) as archive:
            yield NpzFile(path, archive)
    except _BROKEN as error:
        raise StoreError(f"{path}: damaged: {error}") from error
