"""The commands that plugins add: listed by their specs, imported when one is called."""

from __future__ import annotations

import typer

from traits_core.errors import PluginError
from traits_core.registry.commands import CORE_COMMANDS


def register(app: typer.Typer, wanted: str | None) -> None:
    """Add the commands of plugins to `app`, and the code of the one that is `wanted`.

    Plugins are asked unless a command of the core is wanted. Raises PluginError when the code cannot be
    imported, or is no group of commands.
    """
    if wanted in CORE_COMMANDS:
        return
    from traits_core.registry.loader import load_registry

    for spec in load_registry().specs("command"):
        group = spec.load() if spec.name == wanted else _placeholder(spec.summary)
        if not isinstance(group, typer.Typer):
            raise PluginError(f"command {spec.name!r}: {spec.factory!r} is no typer.Typer")
        app.add_typer(group, name=spec.name)


def _placeholder(summary: str) -> typer.Typer:
    """Stands in the list of commands for a group whose code is not needed."""
    group = typer.Typer(help=f"{summary[0].upper()}{summary[1:]}.")
    group.command()(lambda: None)
    return group
