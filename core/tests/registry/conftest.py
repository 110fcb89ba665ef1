"""Distributions written to disk: what `pip install` leaves behind, without pip."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

from traits_core.registry.hookspecs import GROUP
from traits_core.registry.loader import load_registry
from traits_core.registry.plugins import Plugin, Registry

OFFER = """
import attrs
from traits_core import MethodSpec, hookimpl, option

@attrs.frozen
class Config:
    size: int = option(1, help="a size")

def method(name, **changes):
    values = dict(name=name, summary="a method", config=Config, factory="a.b:C", scorer="a.b:D")
    return MethodSpec(**{**values, **changes})
"""


class Site:
    """A folder on `sys.path` with distributions in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def install(
        self,
        distribution: str,
        source: str,
        *,
        point: str | None = None,
        module: str | None = None,
        version: str = "1.0",
        requires: tuple[str, ...] = ("traits-core>=0.1",),
    ) -> str:
        """Write a package whose `__init__` is `source`, with metadata; return its module name."""
        module = module or distribution.replace("-", "_")
        package = self.root / module
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text(source)
        info = self.root / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        lines = [f"Name: {distribution}", f"Version: {version}"]
        lines += [f"Requires-Dist: {line}" for line in requires]
        (info / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n")
        text = f"[{GROUP}]\n{point or distribution} = {module}\n"
        (info / "entry_points.txt").write_text(text)
        importlib.invalidate_caches()
        return module

    def offer(self, distribution: str, *methods: str, **options: object) -> str:
        """Install a good plugin with these methods."""
        names = ", ".join(f"method({name!r})" for name in methods)
        hook = f"@hookimpl\ndef traits_methods():\n    return [{names}]\n"
        return self.install(distribution, OFFER + hook, **options)

    def points(self) -> list[EntryPoint]:
        """The entry points of the distributions in this folder."""
        found = distributions(path=[str(self.root)])
        return [point for one in found for point in one.entry_points if point.group == GROUP]

    def load(self, **environ: str) -> Registry:
        """Load the plugins of this folder, and no other."""
        return load_registry(environ, self.points())

    def plugin(self, distribution: str, **environ: str) -> Plugin:
        """Load all, and return the plugin of one distribution."""
        plugins = self.load(**environ).plugins
        (plugin,) = (plugin for plugin in plugins if plugin.distribution == distribution)
        return plugin


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty site; what was imported from it is forgotten afterwards."""
    root = tmp_path / "site"
    root.mkdir()
    monkeypatch.syspath_prepend(root)
    yield Site(root)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(root)):
            del sys.modules[name]


@pytest.fixture(scope="session")
def offer() -> str:
    """Source that defines `method(name, **changes)` and `hookimpl`."""
    return OFFER
