"""`traits plugin`: what is installed, and does it keep its contract?"""

from __future__ import annotations

from typing import Annotated

import typer

from traits_core.cli.shared import Json, print_json
from traits_core.cli.tables import format_table
from traits_core.registry.plugins import Plugin

app = typer.Typer(help="What is installed, and does it keep its contract?", no_args_is_help=True)


@app.command("list")
def list_plugins(json: Json = False) -> None:
    """Show the plugins, what each offers, and why one is broken.

    \b
    Examples:
      traits plugin list
      TRAITS_DISABLE_PLUGINS=random traits plugin list --json
    """
    from traits_core.registry.loader import load_registry

    plugins = load_registry().plugins
    if json:
        print_json([{**_row(plugin), "offers": _offers(plugin)} for plugin in plugins])
        return
    rows = [row for plugin in plugins for row in _lines(plugin)]
    print(format_table(rows, ("plugin", "distribution", "version", "status", "offers")))
    for plugin in plugins:
        if plugin.reason:
            print(f"\n{plugin.name} ({plugin.label}) is {plugin.status}: {plugin.reason}")


def _row(plugin: Plugin) -> dict[str, str]:
    return {
        "plugin": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "status": str(plugin.status),
        "reason": plugin.reason,
    }


def _offers(plugin: Plugin) -> list[str]:
    return [f"{spec.kind}:{spec.name}" for spec in plugin.specs]


def _lines(plugin: Plugin) -> list[dict[str, str]]:
    """A line for each thing that is offered; the first one says by whom."""
    first, *more = _offers(plugin) or ["-"]
    return [
        {**_row(plugin), "offers": first},
        *(dict.fromkeys(_row(plugin), "") | {"offers": name} for name in more),
    ]


@app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="a plugin, or what one offers")],
    json: Json = False,
) -> None:
    """Run the contract checks on a plugin; exit 1 when one fails.

    \b
    Examples:
      traits plugin check kmeans
      traits plugin check method:kmeans --json
    """
    from traits_core.registry.loader import load_registry
    from traits_core.testing.runner import check_plugin

    outcomes = []
    for outcome in check_plugin(name, load_registry()):
        outcomes.append(outcome)
        if not json:
            print(outcome.line, flush=True)
    if json:
        print_json([outcome.to_json() for outcome in outcomes])
    if any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)
