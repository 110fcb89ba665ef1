"""Files that are either the old one or the new one, whatever happens in between."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def sync_file(path: Path) -> None:
    """Flush the contents of a file, or the entries of a directory, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it durably replaces `path`, else it is removed."""
    temporary = path.with_name(f"{path.name}.tmp-{uuid.uuid4().hex[:12]}")
    try:
        yield temporary
        sync_file(temporary)
        temporary.replace(path)
        sync_file(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Durably replace `path` by `text`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Durably replace `path` by `value` as indented JSON; NaN and infinity are refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def create_json(path: Path, value: Any) -> None:
    """Durably create `path`; raises FileExistsError when it is there, and never overwrites it."""
    temporary = path.with_name(f"{path.name}.tmp-{uuid.uuid4().hex[:12]}")
    try:
        temporary.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        sync_file(temporary)
        os.link(temporary, path)  # fails when `path` exists, in one step
        sync_file(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
