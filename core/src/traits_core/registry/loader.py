"""Find, check and load plugins, each in isolation: what is wrong with one never stops another.

pluggy's own loader stops at the first plugin that cannot be imported, and skips a second
distribution with the same entry-point name without a word.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import redirect_stdout
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any, Final

import attrs
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from traits_core import builtin
from traits_core.errors import PluginError
from traits_core.registry import hookspecs
from traits_core.registry.collect import collect_specs
from traits_core.registry.commands import CORE_COMMANDS
from traits_core.registry.plugins import Plugin, Registry, Status
from traits_core.specs import CommandSpec

CORE: Final = "traits-core"
DISABLE: Final = "TRAITS_DISABLE_PLUGINS"


def load_registry(
    environ: Mapping[str, str] = os.environ, found: Iterable[EntryPoint] | None = None
) -> Registry:
    """Load the built-in specs and every installed plugin.

    Parameters
    ----------
    environ: `TRAITS_DISABLE_PLUGINS` is a comma-separated list of plugin or distribution names
    found: entry points to load instead of the installed ones
    """
    names = environ.get(DISABLE, "").split(",")
    disabled = {canonicalize_name(name.strip()) for name in names if name.strip()}
    own = Plugin(
        name="builtin",
        distribution=CORE,
        version=version(CORE),
        module=builtin.__name__,
        status=Status.OK,
        specs=collect_specs(builtin),
    )
    points = entry_points(group=hookspecs.GROUP) if found is None else found
    with redirect_stdout(sys.stderr):  # what a plugin prints is never part of a result
        plugins = [_load(point, disabled) for point in _unique(points)]
    return Registry((own, *_without_clashes(own, plugins)))


def _unique(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Sort by distribution, and drop the repeats that Python 3.11 yields for one distribution."""
    by_identity = {(_distribution(point)[0], point.name, point.value): point for point in points}
    return [by_identity[key] for key in sorted(by_identity)]


def _distribution(point: EntryPoint) -> tuple[str, str]:
    """Name and version; what a half-removed distribution has lost reads `unknown`."""
    metadata: Any = point.dist.metadata if point.dist else {}
    return metadata.get("Name") or "unknown", metadata.get("Version") or "unknown"


def _load(point: EntryPoint, disabled: Collection[str]) -> Plugin:
    """Load one entry point; whatever goes wrong becomes its status and reason."""
    distribution, its_version = _distribution(point)
    plugin = Plugin(
        name=point.name,
        distribution=distribution,
        version=its_version,
        module=point.value,
        status=Status.OK,
    )
    if {canonicalize_name(name) for name in (point.name, distribution)}.intersection(disabled):
        return attrs.evolve(plugin, status=Status.DISABLED, reason=f"named in {DISABLE}")
    try:
        if unmet := _unmet_core_requirement(point):
            return attrs.evolve(plugin, status=Status.INCOMPATIBLE, reason=unmet)
        specs = collect_specs(point.load())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may do anything at import, also exit
        text = error if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
        reason = textwrap.shorten(str(text), 500, placeholder=" ...")
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


def _without_clashes(own: Plugin, plugins: list[Plugin]) -> list[Plugin]:
    """Withdraw each contested name from every plugin but the core itself: nobody wins by luck."""
    owners: dict[tuple[str, str], list[Plugin]] = defaultdict(list)
    for plugin in [own, *plugins]:
        for spec in plugin.specs:
            owners[spec.kind, spec.name].append(plugin)
    for name in CORE_COMMANDS:
        owners[CommandSpec.kind, name].insert(0, own)
    return [_settled(plugin, owners) for plugin in plugins]


def _settled(plugin: Plugin, owners: Mapping[tuple[str, str], list[Plugin]]) -> Plugin:
    lost = [spec for spec in plugin.specs if len(owners[spec.kind, spec.name]) > 1]
    if not lost:
        return plugin
    reasons = [
        f"{spec.kind} {spec.name!r} is offered by "
        + " and ".join(rival.label for rival in owners[spec.kind, spec.name])
        for spec in lost
    ]
    kept = tuple(spec for spec in plugin.specs if spec not in lost)
    return attrs.evolve(
        plugin,
        specs=kept,
        status=Status.OK if kept else Status.BROKEN,
        reason="; ".join(reasons) + f": uninstall one, or name it in {DISABLE}",
    )
