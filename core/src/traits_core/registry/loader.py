"""Find, check and load plugins, each in isolation: what is wrong with one never stops another.

pluggy's own loader stops at the first plugin that cannot be imported, and skips a second
distribution with the same entry-point name without a word.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points, version
from types import ModuleType
from typing import Final

import attrs
import pluggy
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from traits_core import builtin
from traits_core.registry import hookspecs
from traits_core.registry.plugins import Plugin, Registry, Status
from traits_core.specs import (
    BackboneSpec,
    DatasetSpec,
    MethodSpec,
    ProbeSpec,
    Spec,
    StorageSpec,
    TrackerSpec,
)

CORE: Final = "traits-core"
DISABLE: Final = "TRAITS_DISABLE_PLUGINS"
HOOKS: Final[Mapping[str, type[Spec]]] = {
    "traits_methods": MethodSpec,
    "traits_datasets": DatasetSpec,
    "traits_backbones": BackboneSpec,
    "traits_storages": StorageSpec,
    "traits_probes": ProbeSpec,
    "traits_trackers": TrackerSpec,
}


def load_registry(
    environ: Mapping[str, str] = os.environ, found: Iterable[EntryPoint] | None = None
) -> Registry:
    """Load the built-in specs and every installed plugin.

    Parameters
    ----------
    environ: `TRAITS_DISABLE_PLUGINS` is a comma-separated list of plugin or distribution names
    found: entry points to load instead of the installed ones
    """
    manager = pluggy.PluginManager("traits")
    manager.add_hookspecs(hookspecs)
    disabled = {name.strip() for name in environ.get(DISABLE, "").split(",") if name.strip()}
    own = Plugin(
        name="builtin",
        distribution=CORE,
        version=version(CORE),
        module=builtin.__name__,
        status=Status.OK,
        specs=_collect(manager, "builtin", builtin),
    )
    points = entry_points(group=hookspecs.GROUP) if found is None else found
    plugins = [_load(manager, point, disabled) for point in _unique(points)]
    return Registry(_without_clashes([own, *plugins]))


def _unique(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Sort by distribution, and drop the repeats that Python 3.11 yields for one distribution."""
    by_identity = {(_distribution(point)[0], point.name, point.value): point for point in points}
    return [by_identity[key] for key in sorted(by_identity)]


def _distribution(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("unknown", "0")


def _load(manager: pluggy.PluginManager, point: EntryPoint, disabled: set[str]) -> Plugin:
    """Load one entry point; whatever goes wrong becomes its status and reason."""
    distribution, its_version = _distribution(point)
    plugin = Plugin(
        name=point.name,
        distribution=distribution,
        version=its_version,
        module=point.value,
        status=Status.OK,
    )
    if {point.name, distribution} & disabled:
        return attrs.evolve(plugin, status=Status.DISABLED, reason=f"named in {DISABLE}")
    if unmet := _unmet_core_requirement(point):
        return attrs.evolve(plugin, status=Status.INCOMPATIBLE, reason=unmet)
    try:
        specs = _collect(manager, f"{distribution}:{point.name}", point.load())
    except (Exception, SystemExit) as error:  # a plugin may do anything at import
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return attrs.evolve(plugin, status=Status.BROKEN, reason=reason)
    return attrs.evolve(plugin, specs=specs)


def _unmet_core_requirement(point: EntryPoint) -> str:
    """Say which range of traits-core the metadata asks for, when this one is outside it."""
    core = version(CORE)
    for line in (point.dist.requires if point.dist else None) or []:
        try:
            wanted = Requirement(line)
        except InvalidRequirement as error:
            return f"unreadable requirement {line!r}: {error}".splitlines()[0]
        if canonicalize_name(wanted.name) != CORE or (
            wanted.marker and not wanted.marker.evaluate({"extra": ""})
        ):
            continue
        if not wanted.specifier.contains(core, prereleases=True):
            return f"needs {wanted}, and this is {CORE} {core}"
    return ""


def _collect(manager: pluggy.PluginManager, name: str, module: ModuleType) -> tuple[Spec, ...]:
    """Register one module and call its hooks, alone; on failure nothing of it stays registered."""
    manager.register(module, name)
    try:
        manager.check_pending()
        specs: list[Spec] = []
        for hook, kind in HOOKS.items():
            for implementation in getattr(manager.hook, hook).get_hookimpls():
                if implementation.plugin_name == name:
                    specs.extend(_checked(hook, kind, implementation.function()))
    except BaseException:
        manager.unregister(module)
        raise
    repeated = [key for key, n in Counter((s.kind, s.name) for s in specs).items() if n > 1]
    if repeated:
        manager.unregister(module)
        raise ValueError(f"offers {repeated[0][0]} {repeated[0][1]!r} twice")
    return tuple(specs)


def _checked(hook: str, kind: type[Spec], returned: object) -> list[Spec]:
    if not isinstance(returned, Iterable):
        raise TypeError(f"{hook}() must return a list of {kind.__name__}, got {returned!r}")
    specs = list(returned)
    for spec in specs:
        if not isinstance(spec, kind):
            raise TypeError(f"{hook}() must return {kind.__name__} objects, got {spec!r}")
    return specs


def _without_clashes(plugins: list[Plugin]) -> tuple[Plugin, ...]:
    """Withdraw each contested name from every plugin but the core itself: nobody wins by luck."""
    owners: dict[tuple[str, str], list[Plugin]] = defaultdict(list)
    for plugin in plugins:
        for spec in plugin.specs:
            owners[spec.kind, spec.name].append(plugin)
    contested = {key: rivals for key, rivals in owners.items() if len(rivals) > 1}

    def settled(plugin: Plugin) -> Plugin:
        lost = [s for s in plugin.specs if (s.kind, s.name) in contested]
        if not lost or plugin.name == "builtin":
            return plugin
        reasons = [
            f"{spec.kind} {spec.name!r} is offered by "
            + " and ".join(rival.label for rival in contested[spec.kind, spec.name])
            for spec in lost
        ]
        kept = tuple(spec for spec in plugin.specs if spec not in lost)
        return attrs.evolve(
            plugin,
            specs=kept,
            status=Status.OK if kept else Status.BROKEN,
            reason="; ".join(reasons) + f": uninstall one, or name it in {DISABLE}",
        )

    return tuple(settled(plugin) for plugin in plugins)
