"""The data files inside this package, read only when they are what they were built to be."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from traits_core import DataError


def read_resource(name: str, sha256: str) -> bytes:
    """Return the bytes of `data/<name>`.

    Raises DataError when the file is missing or its SHA-256 is not `sha256` (lower-case hex).
    """
    try:
        content = (files(__package__) / "data" / name).read_bytes()
    except OSError as error:
        raise DataError(f"{name} is missing: reinstall traits-plugin-datasets ({error})") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(
            f"{name} is damaged: its sha256 is {found}, not {sha256}: "
            "reinstall traits-plugin-datasets"
        )
    return content
