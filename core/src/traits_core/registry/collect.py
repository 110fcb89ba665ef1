"""Ask one plugin module what it offers, through its hooks and apart from all other plugins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Final

import pluggy

from traits_core.errors import PluginError
from traits_core.registry import hookspecs
from traits_core.registry.plugins import suggest
from traits_core.specs import (
    BackboneSpec,
    CommandSpec,
    DatasetSpec,
    FormatSpec,
    MethodSpec,
    ProbeSpec,
    Spec,
    StorageSpec,
    TrackerSpec,
)

HOOKS: Final[Mapping[str, type[Spec]]] = {
    "traits_methods": MethodSpec,
    "traits_datasets": DatasetSpec,
    "traits_backbones": BackboneSpec,
    "traits_storages": StorageSpec,
    "traits_formats": FormatSpec,
    "traits_probes": ProbeSpec,
    "traits_trackers": TrackerSpec,
    "traits_commands": CommandSpec,
}


def collect_specs(module: ModuleType) -> tuple[Spec, ...]:
    """Call the hooks of `module`, in a manager of its own: nothing that it does reaches another.

    Raises PluginError when it offers nothing, or what no plugin may offer.
    """
    manager = pluggy.PluginManager("traits")
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    for caller in manager.get_hookcallers(module) or []:
        if not caller.has_spec():  # pluggy accepts it, and never calls it
            hint = suggest(caller.name, HOOKS, prefix="traits_")
            raise PluginError(f"no hook {caller.name!r}.{hint} Allowed: {', '.join(HOOKS)}")
    specs = [
        spec
        for hook, kind in HOOKS.items()
        for implementation in getattr(manager.hook, hook).get_hookimpls()
        for spec in _checked(hook, kind, implementation.function())
    ]
    if not specs:
        raise PluginError("offers nothing: mark its hooks with @traits_core.hookimpl")
    for (kind, its_name), times in Counter((spec.kind, spec.name) for spec in specs).items():
        if times > 1:
            raise PluginError(f"offers {kind} {its_name!r} twice")
    return tuple(specs)


def _checked(hook: str, kind: type[Spec], returned: object) -> list[Spec]:
    if not isinstance(returned, Iterable):
        raise PluginError(f"{hook}() must return a list of {kind.__name__}, got {returned!r}")
    specs = list(returned)
    for spec in specs:
        if not isinstance(spec, kind):
            raise PluginError(f"{hook}() must return {kind.__name__} objects, got {spec!r}")
    return specs
