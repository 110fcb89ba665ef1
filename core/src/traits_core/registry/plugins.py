"""What is installed: one record per plugin, and the registry that finds specs by kind and name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum

import attrs

from traits_core.errors import ConfigError
from traits_core.specs import Spec


class Status(StrEnum):
    """What became of a plugin."""

    OK = "ok"
    BROKEN = "broken"
    INCOMPATIBLE = "incompatible"
    DISABLED = "disabled"


@attrs.frozen(kw_only=True)
class Plugin:
    """One entry point of the group `traits.plugins`, or the core's own (`builtin`).

    `specs` is empty unless `status` is ok; `reason` says why it is not, or what was left out.
    """

    name: str
    distribution: str
    version: str
    module: str
    status: Status
    reason: str = ""
    specs: tuple[Spec, ...] = ()

    @property
    def label(self) -> str:
        """Distribution and version: never the short name alone, which anybody could take."""
        return f"{self.distribution} {self.version}"


@attrs.frozen
class Registry:
    """The plugins of this process, as a value: it is passed to whoever needs it, never global."""

    plugins: tuple[Plugin, ...]

    def specs(self, kind: str) -> list[Spec]:
        """All specs of a kind, by name."""
        found = [spec for plugin in self.plugins for spec in plugin.specs if spec.kind == kind]
        return sorted(found, key=lambda spec: spec.name)

    def get(self, kind: str, name: str) -> Spec:
        """Return the spec of that kind and name; ConfigError names the nearest ones when there is none."""
        specs = {spec.name: spec for spec in self.specs(kind)}
        if name in specs:
            return specs[name]
        broken = [
            f"\n  {plugin.label} ({plugin.status}): {plugin.reason}"
            for plugin in self.plugins
            if plugin.reason
        ]
        raise ConfigError(
            f"no {kind} named {name!r}.{suggest(name, specs)} "
            f"Installed: {', '.join(specs) or 'none'}." + "".join(broken)
        )

    def owner(self, spec: Spec) -> Plugin:
        """The plugin that offers `spec`."""
        return next(plugin for plugin in self.plugins if spec in plugin.specs)


def suggest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """` Did you mean 'kmeans'?`, or nothing when no known name is near; a shared prefix counts not."""
    rests = {one.removeprefix(prefix): one for one in known}
    near = difflib.get_close_matches(name.removeprefix(prefix), list(rests), n=2)
    return f" Did you mean {' or '.join(repr(rests[rest]) for rest in near)}?" if near else ""
