"""What there is to verify below a path: a store, or the stores and scorers of a run or a home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from traits_core.errors import StoreError
from traits_core.stores.json_records import HEADER_FILE
from traits_core.stores.manifest_lines import MANIFEST_FILE

SCORER_FILE: Final = "scorer.json"


@attrs.frozen
class Place:
    """One directory that can be verified; `kind` is `store` or `scorer`."""

    path: Path
    kind: str


def find_places(path: Path) -> list[Place]:
    """The stores and scorers at and below `path`, in the order of their names.

    A directory with a manifest and no header is a store whose header is lost. Links are not followed.

    Raises StoreError when there are none.
    """
    found = sorted(_walk(path), key=lambda place: place.path)
    if not found:
        raise StoreError(
            f"{path}: nothing to verify: no {HEADER_FILE} or {SCORER_FILE} is here or below"
        )
    return found


def _walk(path: Path) -> Iterator[Place]:
    for directory, directories, files in os.walk(path):
        if HEADER_FILE in files or MANIFEST_FILE in files:
            yield Place(Path(directory), "store")
            directories.clear()
        elif SCORER_FILE in files:
            yield Place(Path(directory), "scorer")
