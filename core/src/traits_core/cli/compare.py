"""`traits compare`: finished runs beside each other, with their nulls and what they cost."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from traits_core.cli.shared import DEFAULT_HOME, Home, Json, print_json
from traits_core.cli.tables import format_table


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
    each: Annotated[
        bool, typer.Option("--each", help="a row for each run: seeds are not averaged")
    ] = False,
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
    """
    from traits_core.comparing.find import named_runs
    from traits_core.comparing.groups import grouped
    from traits_core.comparing.run_facts import read_facts_of_run

    found = [read_facts_of_run(root) for root in named_runs(runs or (), home)]
    groups = [_measured(group, paired) for group in grouped(found, pool_seeds=not each)]
    if json:
        print_json({"comparable": len(groups) < 2, "groups": groups})
    elif groups:
        _print(groups)
    else:
        print(f"no finished runs in {home / 'runs'}")


def _measured(group: Any, paired: bool) -> dict[str, Any]:
    from traits_core.comparing.rows import group_json

    if not paired:
        return group_json(group)
    from traits_core.comparing.paired import differences_to_best
    from traits_core.registry.loader import load_registry

    return group_json(
        group,
        [
            {
                "behind": difference.value,
                "behind_ci95_low": difference.interval[0],
                "behind_ci95_high": difference.interval[1],
            }
            for difference in differences_to_best(group, load_registry())
        ],
    )


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
