"""Groups of commands that are none, or say nothing."""

from __future__ import annotations

import typer

from mutants import mutate

empty = typer.Typer()
silent = typer.Typer()
torn = typer.Typer()
text = "commands"


@silent.command()
def hush() -> None:
    typer.echo("...")


@silent.command()
def speak() -> None:
    """Say something."""


@torn.command()
def tear(what: int | str) -> None:
    """Take what typer has no type for."""


def _breaks(check: str, says: str, name: str) -> None:
    mutate(check, says, "command", name, factory=f"mutants.command:{name}")


_breaks("check_command_is_a_group", "is no typer.Typer: 'commands'", "text")
_breaks("check_command_is_a_group", "has no commands", "empty")
_breaks("check_command_shows_its_help", "'hush' has no help", "silent")
_breaks("check_command_shows_its_help", "support Union types", "torn")
