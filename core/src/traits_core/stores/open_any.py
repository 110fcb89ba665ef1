"""Opening whatever a path holds: a store of ours, or one in a format that a plugin knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from traits_core.config.structure import structure
from traits_core.errors import ConfigError, StoreError
from traits_core.registry.plugins import Registry
from traits_core.specs import Spec
from traits_core.stores.extras import read_extras
from traits_core.stores.foreign import OpenStore
from traits_core.stores.json_records import HEADER_FILE, header_digest
from traits_core.stores.protocols import Format
from traits_core.stores.reader import Store, open_store

NAMED: Final = 2
"""Stores below a path that an error names."""


def open_any(root: Path, registry: Registry, options: Mapping[str, Any] | None = None) -> OpenStore:
    """Open a complete store, or a directory in a foreign format, where it is.

    Parameters
    ----------
    root: its directory
    registry: the installed storages and formats
    options: of the format, e.g. `{"tokens": "cls"}` for saev

    Raises StoreError when nothing that can be read is there, or it is damaged; ConfigError for an
    option that its format does not have.
    """
    options = options or {}
    if (root / HEADER_FILE).exists():
        if options:
            raise ConfigError(
                f"{root} is a store of traits, which has no option {', '.join(options)}: "
                "choose when importing from another format"
            )
        store = open_store(root, registry)
        return OpenStore(store=store, extras=read_extras(root, store.header))
    spec = recognize(root, registry)
    if spec is None:
        raise _no_store(root, registry)
    reading: Format = spec.load()(structure(spec.config, options))
    found = reading.open(root)
    store = Store(root, found.header, (), header_digest(found.header), found.reader)
    return OpenStore(store=store, extras=found.extras)


def _no_store(root: Path, registry: Registry) -> StoreError:
    """What a user should know of a path without a store: those of a run or a home lie below it."""
    if not root.exists():
        return StoreError(f"{root}: no such directory")
    below = sorted(
        header.parent
        for places in ("*", "activations/*", "scores/*")
        for header in root.glob(f"{places}/{HEADER_FILE}")
    )
    if below:
        more = ", ..." if len(below) > NAMED else ""
        named = ", ".join(map(str, below[:NAMED]))
        return StoreError(f"{root}: no store is here; stores below it: {named}{more}")
    known = ", ".join(spec.name for spec in registry.specs("format"))
    return StoreError(f"{root}: no store is here: no {HEADER_FILE}, and none of {known}")


def recognize(root: Path, registry: Registry) -> Spec | None:
    """The format that `root` looks like; None when it looks like none."""
    for spec in registry.specs("format"):
        reading: Format = spec.load()(spec.config())
        if reading.recognizes(root):
            return spec
    return None


def select_layers(source: OpenStore, layers: tuple[str, ...]) -> OpenStore:
    """Narrow `source` to the arrays of these names, in this order; StoreError for one that is not there."""
    arrays = tuple(source.store.array(name) for name in layers)
    header = attrs.evolve(source.store.header, arrays=arrays)
    return attrs.evolve(source, store=attrs.evolve(source.store, header=header))
