"""`traits compare`: finished runs beside each other, with their nulls and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traits_core.cli.shared import DEFAULT_HOME, Home, Json, print_json
from traits_core.cli.tables import format_table
from traits_core.errors import ConfigError

if TYPE_CHECKING:
    from traits_core.comparing.groups import Group


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
    Runs that were measured on other examples or labels are never ranked together.

    \b
    Examples:
      traits compare
      traits compare kmeans-emoji-0123456789ab 89abcdef0123 --paired
      traits compare traits-home/runs/kmeans-* --stability
      traits compare --html compare.html
    """
    from traits_core.comparing.find import named_runs
    from traits_core.comparing.groups import grouped
    from traits_core.comparing.run_facts import read_facts_of_run

    if stability and each:
        raise ConfigError("--stability compares the seeds of a row, and --each gives each its own")
    found = [read_facts_of_run(root) for root in named_runs(runs or (), home)]
    groups = [_measured(group, paired, stability) for group in grouped(found, pool_seeds=not each)]
    if html and groups:
        _write_page(groups, html)
    if json:
        print_json({"comparable": len(groups) < 2, "groups": groups})
    elif groups:
        _print(groups)
    else:
        print(f"no finished runs in {home / 'runs'}")


def _measured(group: Group, paired: bool, stability: bool) -> dict[str, Any]:
    """The rows of a group, with what else was asked for; that needs the plugins of the runs."""
    from traits_core.comparing.rows import group_json

    further: list[dict[str, Any]] = [{} for _ in group.entries]
    if paired or stability:
        from traits_core.registry.loader import load_registry

        registry = load_registry()
    if paired:
        from traits_core.comparing.paired import differences_to_best

        for row, difference in zip(further, differences_to_best(group, registry), strict=True):
            low, high = difference.interval
            row |= {"behind": difference.value, "behind_ci95_low": low, "behind_ci95_high": high}
    if stability:
        from traits_core.comparing.stability import seed_stability

        for row, entry in zip(further, group.entries, strict=True):
            found = seed_stability(entry, registry)
            row |= {
                "matched_cosine": found and found.cosine,
                "matched_share": found and found.stable,
                "matched_cosine_random": found and found.cosine_random,
            }
    return group_json(group, further)


def _write_page(groups: list[dict[str, Any]], path: Path) -> None:
    from traits_core.comparing.rows import cost_row, heading, score_row
    from traits_core.durable import write_text
    from traits_core.reporting.comparison import ComparedGroup, render_comparison

    page = render_comparison(
        [
            ComparedGroup(
                heading=heading(group),
                entries=group["entries"],
                tables={
                    title: tuple(row(entry) for entry in group["entries"])
                    for title, row in (("Scores", score_row), ("Costs", cost_row))
                },
            )
            for group in groups
        ]
    )
    try:
        write_text(path, page)
    except OSError as error:
        raise ConfigError(f"--html {path}: {error.strerror or error}") from error


def _print(groups: list[dict[str, Any]]) -> None:
    from traits_core.comparing.rows import cost_row, heading, score_row

    if len(groups) > 1:
        print(
            f"{len(groups)} tables: these runs were measured on different examples or labels, so a "
            "number of one table\nis no better or worse than a number of another.\n"
        )
    for group in groups:
        scores, costs = (
            [row(entry) for entry in group["entries"]] for row in (score_row, cost_row)
        )
        print(f"{heading(group)}\n\n{format_table(scores, list(scores[0]))}\n")
        print(f"{format_table(costs, list(costs[0]))}\n")


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(compare)
