"""What the terminal shows of a finished run."""

from __future__ import annotations

from traits_core.cli.shared import print_json
from traits_core.cli.tables import format_table
from traits_core.stages.probe import read_result
from traits_core.stages.rundir import RunDirectory

SHOWN = ("row", "map", "map_ci95_low", "map_ci95_high", "lift", "prevalence", "n_prototypes")


def print_result(run: RunDirectory, as_json: bool) -> None:
    """Print the headline with its nulls, and where run and report are."""
    headline = read_result(run).headline
    if as_json:
        scores = {row["row"]: row["map"] for row in headline if "map" in row}
        print_json({"run": run.root, "report": run.report, "map": scores})
        return
    columns = [name for name in SHOWN if any(name in row for row in headline)] or list(headline[0])
    print(format_table(headline, columns))
    print(f"\nrun     {run.root}\nreport  {run.report}")
