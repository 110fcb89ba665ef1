"""Whether a directory may become, or already is, the store that a writer wants to write."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import attrs

from traits_core.errors import StoreError
from traits_core.stores.files import STAGING
from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import HEADER_FILE
from traits_core.stores.lock import LOCK_FILE
from traits_core.stores.manifest_lines import MANIFEST_FILE


def refuse_foreign(root: Path) -> None:
    """Raise StoreError when `root` holds files and is no store: nothing is written among them."""
    if not root.exists() or (root / HEADER_FILE).exists():
        return
    if not root.is_dir():
        raise StoreError(f"{root} is a file: a store needs a directory of its own")
    for path in root.iterdir():
        if path.name != LOCK_FILE and not path.name.startswith(f"{HEADER_FILE}.tmp-"):
            raise StoreError(
                f"{root} holds {path.name!r} and no {HEADER_FILE}: choose an empty directory"
            )


def refuse_other(root: Path, stored: StoreHeader, asked: StoreHeader) -> None:
    """Raise StoreError that lists the fields in which a stored header is not the one asked for."""
    differences = _differences("", attrs.asdict(stored), attrs.asdict(asked))
    if differences:
        raise StoreError(
            f"{root} was begun as another store: {'; '.join(differences)}. "
            "Delete it, or write to another directory"
        )


def clear_staging(root: Path) -> None:
    """Delete what a killed writer was about to commit."""
    for path in leftovers(root):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def leftovers(root: Path) -> list[Path]:
    """What writers that were killed have left in their own places."""
    patterns = (f"{STAGING}*", f"{HEADER_FILE}.tmp-*", f"{MANIFEST_FILE}.tmp-*")
    return sorted(path for pattern in patterns for path in root.glob(pattern))


def _differences(name: str, stored: Any, asked: Any) -> list[str]:
    if isinstance(stored, dict) and isinstance(asked, dict):
        return [
            line
            for key in stored
            for line in _differences(f"{name}.{key}".lstrip("."), stored[key], asked[key])
        ]
    if isinstance(stored, tuple) and isinstance(asked, tuple) and len(stored) == len(asked):
        pairs = enumerate(zip(stored, asked, strict=True))
        return [line for i, (a, b) in pairs for line in _differences(f"{name}[{i}]", a, b)]
    return [] if stored == asked else [f"{name} is {stored!r} there and {asked!r} here"]
