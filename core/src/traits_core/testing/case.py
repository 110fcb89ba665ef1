"""What a contract check looks at: one object that a plugin offers, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires
from typing import Any, Final

import attrs
from packaging.utils import canonicalize_name

from traits_core.config.structure import structure
from traits_core.errors import PluginError
from traits_core.registry.plugins import Plugin, Registry, Status, suggest
from traits_core.specs import Spec
from traits_core.testing.expect import NotApplicable

D_MODEL: Final = 16
"""Length of the activations that methods are given."""

SEED: Final = 0

CHECK_MODULES: Final = {
    "method": ("method", "resume", "ranks_agree", "scorer", "scorer_files", "scorer_parts"),
    "dataset": ("dataset",),
    "backbone": ("backbone",),
    "storage": ("storage", "storage_faults"),
    "format": ("format", "format_faults"),
    "probe": ("probe",),
    "tracker": ("tracker",),
    "command": ("command",),
}


@attrs.frozen(kw_only=True, eq=False)
class Case:
    """One spec of one installed plugin.

    Parameters
    ----------
    spec: what the plugin offers
    plugin: who offers it
    registry: everything that is installed
    requires: the requirements in the metadata of its distribution
    """

    spec: Spec
    plugin: Plugin
    registry: Registry
    requires: tuple[str, ...]

    @property
    def label(self) -> str:
        """Kind and name, as in `method:kmeans`."""
        return f"{self.spec.kind}:{self.spec.name}"

    def options(self) -> Any:
        """The config made of the spec's example."""
        return structure(self.spec.config, self.spec.example, f"{self.spec.kind}.")

    def build(self, options: Any = None, **arguments: Any) -> Any:
        """Call the factory as the core does, on the CPU; `arguments` replace what it is given.

        Raises NotApplicable when the factory refuses with PluginError: a library is missing.
        """
        given = {**_arguments(self.spec.kind), **arguments}
        factory = self.spec.load()
        try:
            return factory(self.options() if options is None else options, **given)
        except PluginError as error:
            raise NotApplicable(str(error)) from error


Check = Callable[[Case], None]
"""Returns when the property holds, raises ContractError when not, NotApplicable when it has none."""


def checks_of(kind: str) -> tuple[Check, ...]:
    """The checks of a kind: those of every spec, then its own (importing torch)."""
    modules = ("static", *CHECK_MODULES.get(kind, ()))
    return tuple(
        check
        for module in modules
        for check in import_module(f"traits_core.testing.{module}").CHECKS
    )


def find_cases(registry: Registry, *names: str) -> list[Case]:
    """The objects that `names` mean, all that are installed when there are none.

    Parameters
    ----------
    names: a plugin, its distribution, an object (`kmeans`), or an object of a kind (`method:kmeans`)

    Raises PluginError for a name that nothing has, and for a plugin that could not be loaded.
    """
    everything = [
        Case(spec=spec, plugin=plugin, registry=registry, requires=_requirements(plugin))
        for plugin in registry.plugins
        for spec in plugin.specs
    ]
    if not names:
        return everything
    return [case for name in names for case in _matching(registry, everything, name)]


def _matching(registry: Registry, everything: list[Case], name: str) -> list[Case]:
    cases = [
        case
        for case in everything
        if name in (case.spec.name, case.label) or _is_named(case.plugin, name)
    ]
    for plugin in registry.plugins:
        if _is_named(plugin, name) and plugin.status is not Status.OK:
            raise PluginError(f"{plugin.label} is {plugin.status}: {plugin.reason}")
    if not cases:
        known = {key for case in everything for key in (case.spec.name, case.label)}
        known |= {key for p in registry.plugins for key in (p.name, p.distribution)}
        raise PluginError(
            f"no plugin and nothing that one offers is named {name!r}.{suggest(name, known)} "
            "`traits plugin list` shows what is installed"
        )
    return cases


def _is_named(plugin: Plugin, name: str) -> bool:
    return name == plugin.name or canonicalize_name(name) == canonicalize_name(plugin.distribution)


def _requirements(plugin: Plugin) -> tuple[str, ...]:
    try:
        return tuple(requires(plugin.distribution) or ())
    except PackageNotFoundError:
        return ()


def _arguments(kind: str) -> dict[str, Any]:
    """What the core passes to a factory of this kind besides the config."""
    if kind not in ("method", "backbone"):
        return {}
    import torch

    from traits_core.training.comm import NullComm

    device = {"device": torch.device("cpu")}
    return device | (
        {"d_model": D_MODEL, "seed": SEED, "comm": NullComm()} if kind == "method" else {}
    )
