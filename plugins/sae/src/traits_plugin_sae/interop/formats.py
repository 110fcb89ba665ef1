"""The formats by name: which one is it, read it, write it."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from traits_core import ConfigError, StoreError, TraitsError
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop import dictionary_learning, gemma_scope, saelens, saev, sparsify
from traits_plugin_sae.interop.checkpoint import Checkpoint, CheckpointFormat, Facts

FORMATS: Final[Mapping[str, CheckpointFormat]] = {
    "saelens": saelens,
    "dictionary-learning": dictionary_learning,
    "sparsify": sparsify,
    "gemma-scope": gemma_scope,
    "saev": saev,
}


def detect(path: Path) -> str:
    """The name of the format of `path`; raises StoreError when it is none of them."""
    if found := _like(path):
        return found[0]
    raise StoreError(
        f"{path}: no checkpoint of {', '.join(FORMATS)} is there; name its directory, or its "
        "file of weights"
    )


def _like(path: Path) -> list[str]:
    """The formats that `path` looks like; raises StoreError when there is nothing that can be read."""
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):  # a device may have no end
            return []
        return [name for name, form in FORMATS.items() if form.recognizes(path)]
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def read_checkpoint(path: Path, name: str | None = None) -> Checkpoint:
    """Read a checkpoint in the format `name`, or the one that it is in.

    Raises StoreError, in one line, when it is damaged or not what it is taken for.
    """
    name = name or detect(path)
    form = _format(name)
    if name not in (like := _like(path)):
        there = f"it looks like {like[0]}" if like else "name its directory, or its file of weights"
        raise StoreError(
            f"{path}: no checkpoint of {name} is there: no {' or '.join(form.PLACES)}; {there}"
        )
    try:
        return form.read(path)
    except (StoreError, OSError) as error:
        raise StoreError(str(error).splitlines()[0]) from error
    except (
        *(TraitsError, ValueError, TypeError, KeyError, AttributeError),
        *(RuntimeError, MemoryError),
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StoreError(f"{path}: not a readable checkpoint of {name}: {reason}") from error


def write_checkpoint(
    directory: Path, name: str, dictionary: Dictionary, facts: Facts
) -> tuple[str, ...]:
    """Write a checkpoint to the new `directory`, all of it or nothing; return notes for the user.

    Raises ConfigError when there is something already, or the format has no such autoencoders.
    """
    form = _format(name)
    if os.path.lexists(directory):
        raise ConfigError(f"{directory}: is there already; name a new directory")
    staging = directory.with_name(f"{directory.name}.tmp-{uuid.uuid4().hex[:12]}")
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(f"cannot make {directory}: {error.strerror}") from error
    try:
        notes = form.write(staging, dictionary, facts)
        staging.rename(directory)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return notes


def _format(name: str) -> CheckpointFormat:
    if name not in FORMATS:
        raise ConfigError(f"no checkpoint format {name!r}; choose from {', '.join(FORMATS)}")
    return FORMATS[name]
