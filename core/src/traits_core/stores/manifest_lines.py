"""The lines of a manifest as text: each readable only as the very bytes that were written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import attrs
import xxhash

from traits_core.durable import replacing
from traits_core.errors import StoreError
from traits_core.stores.commit import Commit
from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import (
    LARGEST_RECORD,
    canonical,
    header_digest,
    parse,
    structure,
)

MANIFEST_FILE: Final = "manifest.jsonl"


@attrs.frozen(kw_only=True)
class Line:
    """One line as it was found; `commit` is None when it is damaged, and `why` says how."""

    number: int
    text: bytes
    commit: Commit | None = None
    why: str = ""


def encode_line(commit: Commit, header: StoreHeader) -> bytes:
    """The line of a commit; its checksum is xxh3_64 of the header's digest and the line without it."""
    return _encode(commit, header_digest(header))


def read_lines(root: Path, header: StoreHeader) -> list[Line]:
    """Every line of the manifest, the damaged ones included; none when there is no manifest.

    Raises StoreError when the file cannot be read, or a line is longer than any record.
    """
    try:
        handle = os.open(root / MANIFEST_FILE, os.O_RDONLY | os.O_NOFOLLOW)
        with open(handle, "rb") as file:  # noqa: PTH123  # of a handle
            lines = []
            while line := file.readline(LARGEST_RECORD + 1):
                lines.append(line)
                if len(line) > LARGEST_RECORD:
                    raise StoreError(
                        f"{root / MANIFEST_FILE}: line {len(lines)} is longer than "
                        f"{LARGEST_RECORD:,} bytes"
                    )
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{root / MANIFEST_FILE}: {error.strerror}") from error
    digest = header_digest(header)
    return [_decode(number, line, digest) for number, line in enumerate(lines, start=1)]


def replace_lines(root: Path, lines: Iterable[Line]) -> None:
    """Durably replace the manifest by some of its lines: all of it or nothing. Raises OSError."""
    with replacing(root / MANIFEST_FILE) as temporary:
        temporary.write_bytes(b"".join(line.text for line in lines))


def _encode(commit: Commit, digest: str) -> bytes:
    unchecked = canonical(attrs.evolve(commit, check=""))
    check = xxhash.xxh3_64_hexdigest(digest.encode() + unchecked)
    return canonical(attrs.evolve(commit, check=check)) + b"\n"


def _decode(number: int, text: bytes, digest: str) -> Line:
    try:
        commit = structure(parse(text), Commit)
    except (ValueError, RecursionError) as error:
        return Line(number=number, text=text, why=str(error))
    if _encode(commit, digest) != text:
        return Line(number=number, text=text, why="its checksum does not fit")
    return Line(number=number, text=text, commit=commit)
