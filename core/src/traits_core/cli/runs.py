"""`traits runs`: what has been run, and how it went."""

from __future__ import annotations

import typer

from traits_core.cli.shared import DEFAULT_HOME, Home, Json, print_json
from traits_core.cli.tables import format_table


def runs(home: Home = DEFAULT_HOME, json: Json = False) -> None:
    """List the runs below the home directory, oldest first.

    \b
    Examples:
      traits runs
      traits runs --home /data/traits --json
    """
    from traits_core.stages.summary import summarize_runs

    rows = summarize_runs(home)
    if json:
        print_json(rows)
    elif rows:
        print(format_table(rows, ("run", "method", "dataset", "stage", "map", "created")))
    else:
        print(f"no runs in {home / 'runs'}")


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(runs)
