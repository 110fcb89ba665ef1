"""The command `traits`. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from traits_core.cli import plugin, run, runs, stages
from traits_core.cli.options import dynamic_command
from traits_core.errors import TraitsError

EPILOG = "First look: traits run --method kmeans --dataset emoji"


def make_app(arguments: Sequence[str]) -> typer.Typer:
    """Build the application for one command line: some options depend on the plugins it names."""
    app = typer.Typer(
        name="traits",
        help="Discover traits in neural-network activations.",
        epilog=EPILOG,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(root)
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    for name, (function, kinds) in run.COMMANDS.items():
        command = function
        if name == wanted:
            from traits_core.registry.loader import load_registry

            command = dynamic_command(function, kinds, load_registry(), arguments)
        app.command(name)(command)
    stages.register(app)
    runs.register(app)
    app.add_typer(plugin.app, name="plugin")
    return app


def root(
    show_version: Annotated[
        bool, typer.Option("--version", help="print the version of traits-core")
    ] = False,
) -> None:
    """Discover traits in neural-network activations."""
    if show_version:
        print(f"traits-core {version('traits-core')}")
        raise typer.Exit


def main() -> None:
    """Run the command line; a user's mistake ends in one message and its exit code."""
    arguments = sys.argv[1:]
    try:
        make_app(arguments)(arguments, prog_name="traits")
    except TraitsError as error:
        print(f"traits: error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
