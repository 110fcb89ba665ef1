"""What a plugin offers: one frozen record per method, dataset, command and so on.

A spec names its code as a string, `"package.module:Class"`, which is imported on first use. So
plugins can be listed, and their options shown, without importing torch.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import attrs

from traits_core.config.fields import ALLOWED_TYPES, is_option_type
from traits_core.errors import PluginError

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
OPTION = re.compile(r"[a-z][a-z0-9_]*\Z")
FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z")


def _is_name(spec: Spec, field: attrs.Attribute[str], value: str) -> None:
    if not (isinstance(value, str) and NAME.match(value)):
        raise PluginError(f"{spec.kind} name {value!r} must be lower-case words joined by '-'")


def _is_one_line(spec: Spec, field: attrs.Attribute[str], value: str) -> None:
    if not (isinstance(value, str) and value) or "\n" in value or value.endswith("."):
        raise PluginError(
            f"{spec.kind} {spec.name!r}: summary must be one line without a full stop: {value!r}"
        )


def _is_factory(spec: Spec, field: attrs.Attribute[str], value: str) -> None:
    if not (isinstance(value, str) and FACTORY.match(value)):
        raise PluginError(
            f"{spec.kind} {spec.name!r}: {field.name} must read 'package.module:Class': {value!r}"
        )


def _is_attrs_class(spec: Spec, field: attrs.Attribute[type], value: type) -> None:
    if not (isinstance(value, type) and attrs.has(value)):
        raise PluginError(f"{spec.kind} {spec.name!r}: config must be an attrs class: {value!r}")
    attrs.resolve_types(value)
    for option in attrs.fields(value):
        owner = f"{spec.kind} {spec.name!r}: option {option.name!r}"
        if option.name == "name" or not OPTION.match(option.name):
            raise PluginError(f"{owner} must have another name: lower-case words joined by '_'")
        if not option.metadata.get("help"):
            raise PluginError(
                f"{owner} has no help text; declare it with traits_core.option(default, help=...)"
            )
        if not is_option_type(option.type):
            raise PluginError(f"{owner} has type {option.type}; allowed: {ALLOWED_TYPES}")


def _frozen(tags: Iterable[str]) -> frozenset[str]:
    return frozenset(tags)


@attrs.frozen(kw_only=True)
class Spec:
    """What all kinds of plugin objects have in common.

    Parameters
    ----------
    name: what users type, as in `--method kmeans`; lower-case words joined by '-'
    summary: one line for listings, without a full stop
    config: attrs class of the options; each field is declared with `traits_core.option`
    factory: `"package.module:Class"`, imported when first used
    example: option values that make a small, fast instance for the contract checks
    tags: facts that change which contract checks apply, e.g. `deterministic`
    """

    kind: ClassVar[str] = ""

    name: str = attrs.field(validator=_is_name)
    summary: str = attrs.field(validator=_is_one_line)
    config: type = attrs.field(validator=_is_attrs_class)
    factory: str = attrs.field(validator=_is_factory)
    example: Mapping[str, object] = attrs.field(factory=dict, hash=False)
    tags: frozenset[str] = attrs.field(factory=frozenset, converter=_frozen)

    def load(self) -> Any:
        """Import and return the class that `factory` names.

        Raises PluginError when it cannot be imported.
        """
        return load_object(self.factory, f"{self.kind} {self.name!r}")


@attrs.frozen(kw_only=True)
class MethodSpec(Spec):
    """A way to learn prototypes; `factory` builds a `Method`, `scorer` names its `Scorer` class.

    Tag `deterministic` says that the seed does not matter.
    """

    kind: ClassVar[str] = "method"

    scorer: str = attrs.field(validator=_is_factory)

    def load_scorer_class(self) -> Any:
        """Import and return the class whose `load(directory, device)` reads a saved scorer."""
        return load_object(self.scorer, f"scorer of method {self.name!r}")


@attrs.frozen(kw_only=True)
class DatasetSpec(Spec):
    """Examples with labels; `factory` builds a `Dataset`, `backbone` is used unless another is asked for."""

    kind: ClassVar[str] = "dataset"

    backbone: str = attrs.field(validator=_is_name)


@attrs.frozen(kw_only=True)
class BackboneSpec(Spec):
    """A frozen model that activations come from; `factory` builds a `Backbone`."""

    kind: ClassVar[str] = "backbone"


@attrs.frozen(kw_only=True)
class StorageSpec(Spec):
    """A file format for dense 2-D blocks; `factory` builds a `Storage`."""

    kind: ClassVar[str] = "storage"


@attrs.frozen(kw_only=True)
class FormatSpec(Spec):
    """A foreign format of activations, for import and export; `factory` builds a `Format`."""

    kind: ClassVar[str] = "format"


@attrs.frozen(kw_only=True)
class ProbeSpec(Spec):
    """A measure of what prototypes know about labels; `factory` builds a `Probe`.

    Tag `assigns-rows` says that it chooses no prototypes: each row goes to its highest score.
    """

    kind: ClassVar[str] = "probe"


@attrs.frozen(kw_only=True)
class TrackerSpec(Spec):
    """An observer of a run; `factory` builds a `Tracker`."""

    kind: ClassVar[str] = "tracker"


@attrs.frozen
class NoOptions:
    """A command says itself what its options are."""


@attrs.frozen(kw_only=True)
class CommandSpec(Spec):
    """A group of commands, `traits NAME ...`; `factory` names a `typer.Typer`, imported when it is called."""

    kind: ClassVar[str] = "command"

    config: type = attrs.field(default=NoOptions, init=False)


def load_object(path: str, owner: str) -> Any:
    """Import `"package.module:Name"`; `owner` says in the error whose code it is."""
    module, _, name = path.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:
        raise PluginError(
            f"{owner}: cannot import {path!r}: {type(error).__name__}: {error}"
        ) from error
