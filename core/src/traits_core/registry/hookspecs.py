"""The hooks: one per kind, each returning specs. This file is the whole plugin contract."""

from collections.abc import Iterable

import pluggy

from traits_core.specs import (
    BackboneSpec,
    CommandSpec,
    DatasetSpec,
    FormatSpec,
    MethodSpec,
    ProbeSpec,
    StorageSpec,
    TrackerSpec,
)

GROUP = "traits.plugins"

hookspec = pluggy.HookspecMarker("traits")
hookimpl = pluggy.HookimplMarker("traits")


@hookspec
def traits_methods() -> Iterable[MethodSpec]:  # type: ignore[empty-body]  # pluggy reads the signature only
    """Return the methods that this plugin offers."""


@hookspec
def traits_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]
    """Return the datasets that this plugin offers."""


@hookspec
def traits_backbones() -> Iterable[BackboneSpec]:  # type: ignore[empty-body]
    """Return the backbones that this plugin offers."""


@hookspec
def traits_storages() -> Iterable[StorageSpec]:  # type: ignore[empty-body]
    """Return the storages that this plugin offers."""


@hookspec
def traits_formats() -> Iterable[FormatSpec]:  # type: ignore[empty-body]
    """Return the foreign formats that this plugin reads and writes."""


@hookspec
def traits_probes() -> Iterable[ProbeSpec]:  # type: ignore[empty-body]
    """Return the probes that this plugin offers."""


@hookspec
def traits_trackers() -> Iterable[TrackerSpec]:  # type: ignore[empty-body]
    """Return the trackers that this plugin offers."""


@hookspec
def traits_commands() -> Iterable[CommandSpec]:  # type: ignore[empty-body]
    """Return the groups of commands that this plugin adds to `traits`."""
