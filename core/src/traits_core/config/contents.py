"""Options that name a file or a directory, and mean what is in it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import attrs

from traits_core.config.run_config import RunConfig
from traits_core.config.structure import flag
from traits_core.errors import ConfigError


def contents_of(options: Any) -> dict[str, Path]:
    """The paths in the options that were declared with `contents=True`, by name, save those not set."""
    return {
        field.name: getattr(options, field.name)
        for field in attrs.fields(type(options))
        if field.metadata.get("contents") and getattr(options, field.name) is not None
    }


def refuse_missing(config: RunConfig) -> None:
    """Raise ConfigError when the method's options name contents that are not there, or not to be read."""
    for name, path in contents_of(config.method.options).items():
        if reason := _why_unreadable(path):
            raise ConfigError(f"{flag('method.', name)} {path}: {reason}")


def _why_unreadable(path: Path) -> str | None:
    try:
        path.stat()
    except OSError as error:
        return error.strerror
    return None if os.access(path, os.R_OK) else "Permission denied"


def content_digest(path: Path) -> str:
    """Digest of a file, or of all files of a directory and their names; not of where they are.

    Raises ConfigError when one of them cannot be read.
    """
    if path.is_file():
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from error
    files = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
    lines = [f"{content_digest(files[name])} {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
