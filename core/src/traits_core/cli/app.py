"""The command `traits`. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from traits_core.cli import (
    compare,
    convert,
    inspect,
    plugin,
    plugin_commands,
    run,
    runs,
    stages,
    stats,
    verify,
)
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
        rich_markup_mode=None,  # rich cuts long option names, and takes "[default: 8]" for markup
        context_settings={"max_content_width": 100},
        pretty_exceptions_enable=False,
    )
    app.callback()(root)
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    for name, (function, kinds) in run.COMMANDS.items():
        if name == wanted:
            from traits_core.registry.loader import load_registry

            app.command(name)(dynamic_command(function, kinds, load_registry(), arguments))
        else:
            app.command(name, help=function.__doc__)(_not_wanted)
    stages.register(app)
    runs.register(app)
    compare.register(app)
    convert.register(app)
    inspect.register(app)
    stats.register(app)
    verify.register(app)
    app.add_typer(plugin.app, name="plugin")
    plugin_commands.register(app, wanted)
    return app


def _not_wanted() -> None:
    """Stand in the list of commands for one that needs the plugins to know its options."""


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"traits-core {version('traits-core')}")
        raise typer.Exit


def root(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="print the version of traits-core",
            is_eager=True,
            callback=_print_version,
        ),
    ] = False,
) -> None:
    """Discover traits in neural-network activations."""


def main() -> None:
    """Run the command line; what a user can mend ends in one message and an exit code."""
    try:
        _run(sys.argv[1:])
    except TraitsError as error:
        print(f"traits: error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader, e.g. `head`, has had enough
        sys.exit(1)
    except OSError as error:  # a full disk, a directory that cannot be written to
        print(f"traits: error: {error}", file=sys.stderr)
        sys.exit(1)


def _run(arguments: Sequence[str]) -> None:
    try:
        make_app(arguments)(arguments, prog_name="traits")
    finally:
        _flush()


def _flush() -> None:
    """Write what is left now: what fails at the interpreter's own exit cannot be handled."""
    try:
        if sys.stdout is not None:  # closed by the shell: `>&-`
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise
