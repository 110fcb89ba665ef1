"""`traits compare`: finished runs beside each other, with their nulls and what they cost."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traits_core.cli.shared import DEFAULT_HOME, Home, Json, print_json
from traits_core.cli.tables import format_table
from traits_core.errors import ConfigError

if TYPE_CHECKING:
    from traits_core.comparing.columns import Columns
    from traits_core.comparing.groups import Group
    from traits_core.comparing.run_facts import RunFacts
    from traits_core.registry.plugins import Registry


def compare(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN]...",
            help="directories, names or digests of runs [default: all finished ones]",
            show_default=False,
        ),
    ] = None,
    paired: Annotated[
        bool,
        typer.Option(
            "--paired", help="how far behind the best, with an interval: needs the dataset"
        ),
    ] = False,
    stability: Annotated[
        bool,
        typer.Option(
            "--stability", help="how near the prototypes of other seeds are, matched one to one"
        ),
    ] = False,
    each: Annotated[
        bool, typer.Option("--each", help="a row for each run: seeds are not averaged")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="write a page with charts, too", show_default=False
        ),
    ] = None,
    home: Home = DEFAULT_HOME,
    json: Json = False,
) -> None:
    """Put runs beside each other, best first, with their nulls.

    Runs that differ in the seed alone are one row: mean and standard deviation.
    Runs that were measured on other examples or labels, or by another probe, are never ranked together.

    \b
    Examples:
      traits compare
      traits compare kmeans-emoji-0123456789ab 89abcdef0123 --paired
      traits compare traits-home/runs/kmeans-* --stability
      traits compare --html compare.html
    """
    from traits_core.comparing.groups import grouped
    from traits_core.comparing.rows import comparison_json

    if stability and each:
        raise ConfigError("--stability compares the seeds of a row, and --each gives each its own")
    asked, registry = _asked(paired, stability)
    groups = grouped(_whole(runs or (), home, asked, registry), pool_seeds=not each)
    further = _further(groups, asked, registry, all_or_none=bool(runs))
    compared = comparison_json(groups, further)
    if html and groups:
        _write_page(compared, html)
        print(f"wrote {html}", file=sys.stderr)
    if json:
        print_json({**compared, "html": html if groups else None})
    elif groups:
        _print(compared)
    else:
        print(f"no finished runs in {home / 'runs'}")


def _asked(paired: bool, stability: bool) -> tuple[list[Columns], Registry]:
    """The columns that are asked for, and the plugins: results alone need none."""
    from traits_core.registry.plugins import Registry

    if not (paired or stability):
        return [], Registry(())
    from traits_core.comparing.columns import PAIRED, STABILITY
    from traits_core.registry.loader import load_registry

    asked = ((PAIRED, paired), (STABILITY, stability))
    return [columns for columns, is_asked in asked if is_asked], load_registry()


def _whole(
    names: Sequence[str], home: Path, asked: Sequence[Columns], registry: Registry
) -> list[RunFacts]:
    """The runs that are meant; it is told which of those that were found are damaged."""
    from traits_core.comparing.find import read_runs
    from traits_core.comparing.run_facts import read_facts_of_run

    def read(root: Path) -> RunFacts:
        facts = read_facts_of_run(root)
        for columns in asked:
            columns.check(facts, registry)
        return facts

    found, damaged = read_runs(names, home, read)
    for why in damaged:
        print(f"left out: {why}", file=sys.stderr)
    return found


def _further(
    groups: Sequence[Group], asked: Sequence[Columns], registry: Registry, all_or_none: bool
) -> list[list[dict[str, Any]]]:
    """What else was asked for of each entry."""
    further: list[list[dict[str, Any]]] = [[{} for _ in group.entries] for group in groups]
    if groups and asked:
        from traits_core.comparing.columns import add_columns

        for columns in asked:
            for note in add_columns(columns, further, groups, registry, all_or_none):
                print(note, file=sys.stderr)
    return further


def _write_page(compared: dict[str, Any], path: Path) -> None:
    from traits_core.comparing.tables import heading, no_ranking, tables
    from traits_core.durable import write_text
    from traits_core.reporting.comparison import ComparedGroup, render_comparison

    page = render_comparison(
        [
            ComparedGroup(heading=heading(group), entries=group["entries"], tables=tables(group))
            for group in compared["groups"]
        ],
        lead="" if compared["comparable"] else no_ranking(compared["differing"]),
    )
    try:
        write_text(path, page)
    except OSError as error:
        raise ConfigError(f"--html {path}: {error.strerror or error}") from error


def _print(compared: dict[str, Any]) -> None:
    from traits_core.comparing.tables import heading, no_ranking, tables

    if not compared["comparable"]:
        print(f"{fill(no_ranking(compared['differing']), 100)}\n")
    for group in compared["groups"]:
        shown = [format_table(table, list(table[0])) for table in tables(group).values()]
        print("\n\n".join([heading(group), *shown]), end="\n\n")


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(compare)
