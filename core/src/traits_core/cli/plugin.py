"""`traits plugin`: what is installed, and does it keep its contract?"""

from __future__ import annotations

from typing import Annotated

import typer

from traits_core.cli.shared import Json, print_json
from traits_core.cli.tables import format_table

app = typer.Typer(help="What is installed, and does it keep its contract?", no_args_is_help=True)


@app.command("list")
def list_plugins(json: Json = False) -> None:
    """Show every plugin with its distribution, version and what it offers; for broken ones, why.

    \b
    traits plugin list
    TRAITS_DISABLE_PLUGINS=random traits plugin list --json
    """
    from traits_core.registry.loader import load_registry

    plugins = load_registry().plugins
    rows = [
        {
            "plugin": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "status": str(plugin.status),
            "offers": [f"{spec.kind}:{spec.name}" for spec in plugin.specs],
            "reason": plugin.reason,
        }
        for plugin in plugins
    ]
    if json:
        print_json(rows)
        return
    shown = [{**row, "offers": ", ".join(row["offers"]), "reason": row["reason"] or ""} for row in rows]
    columns = ["plugin", "distribution", "version", "status", "offers"]
    print(format_table(shown, [*columns, "reason"] if any(r["reason"] for r in shown) else columns))


@app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="a plugin, or what one offers")],
    json: Json = False,
) -> None:
    """Run the contract checks on a plugin; exit code 1 when one fails.

    \b
    traits plugin check kmeans
    traits plugin check method:kmeans --json
    """
    from traits_core.registry.loader import load_registry
    from traits_core.testing.runner import check_plugin

    outcomes = check_plugin(name, load_registry())
    if json:
        print_json([outcome.to_json() for outcome in outcomes])
    else:
        for outcome in outcomes:
            print(outcome.line)
    if any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)
