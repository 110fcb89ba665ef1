"""What a group of commands must keep: it is one, and says what it does."""

from __future__ import annotations

from typing import Final

import typer
from typer.testing import CliRunner

from traits_core.testing.case import Case, Check
from traits_core.testing.expect import expect, one_line


def check_command_is_a_group(case: Case) -> None:
    """`factory` names a `typer.Typer` with commands in it."""
    group = case.spec.load()
    expect(isinstance(group, typer.Typer), f"{case.spec.factory!r} is no typer.Typer: {group!r}")
    commands = [*group.registered_commands, *group.registered_groups]
    expect(commands, f"{case.spec.factory!r} has no commands")


def check_command_shows_its_help(case: Case) -> None:
    """`--help` ends well, and every command has a line there."""
    group = case.spec.load()
    shown = CliRunner().invoke(group, ["--help"])
    why = one_line(shown.exception) if shown.exception else shown.output
    expect(shown.exit_code == 0, f"--help ends with {shown.exit_code}: {why}")
    for command in group.registered_commands:
        name = command.name or getattr(command.callback, "__name__", "?")
        told = command.help or getattr(command.callback, "__doc__", None)
        expect(told, f"command {name!r} has no help: write a docstring")


CHECKS: Final[tuple[Check, ...]] = (check_command_is_a_group, check_command_shows_its_help)
