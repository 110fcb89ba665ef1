"""Ask one plugin module what it offers, through its hooks and apart from all other plugins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Final

import pluggy

from traits_core.errors import PluginError
from traits_core.registry.plugins import suggest
from traits_core.specs import (
    BackboneSpec,
    DatasetSpec,
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
    "traits_probes": ProbeSpec,
    "traits_trackers": TrackerSpec,
}


def collect_specs(manager: pluggy.PluginManager, name: str, module: ModuleType) -> tuple[Spec, ...]:
    """Register `module` as `name` and call its hooks; on failure nothing of it stays registered.

    Raises PluginError when it offers nothing, or what no plugin may offer.
    """
    if other := manager.get_name(module):
        raise PluginError(f"names the same module as {other}")
    try:
        manager.register(module, name)
        return _offers(manager, name, module)
    except BaseException:
        if manager.has_plugin(name):
            manager.unregister(name=name)
        raise


def _offers(manager: pluggy.PluginManager, name: str, module: ModuleType) -> tuple[Spec, ...]:
    """pluggy accepts unknown hooks, and calls all implementations or none: hence one by one."""
    for caller in manager.get_hookcallers(module) or []:
        if not caller.has_spec():
            hint = suggest(caller.name, HOOKS, prefix="traits_")
            raise PluginError(f"no hook {caller.name!r}.{hint} Allowed: {', '.join(HOOKS)}")
    specs = [
        spec
        for hook, kind in HOOKS.items()
        for implementation in getattr(manager.hook, hook).get_hookimpls()
        if implementation.plugin_name == name
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
