"""What the terminal shows of a run, planned or finished."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from traits_core.cli.shared import print_json
from traits_core.cli.tables import format_table
from traits_core.config.run_config import RunConfig
from traits_core.stages.compose import PlannedStage
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


def print_plan(config: RunConfig, stages: Sequence[PlannedStage], as_json: bool) -> None:
    """Print the merged configuration and the stages: text that `--config` takes as a TOML file."""
    if as_json:
        steps = [{"stage": s.name, "output": s.output, "state": s.state} for s in stages]
        print_json({"config": config.to_json(), "plan": steps})
        return
    for section, options in config.to_json().items():
        print(f"[{section}]")
        for name, value in options.items():
            print(f"{name} = {_toml(value)}")
        print()
    for number, stage in enumerate(stages, 1):
        print(f"# {number}. {stage.name:18} {stage.state:8} {stage.output}")


def _toml(value: Any) -> str:
    return json.dumps("none" if value is None else value, ensure_ascii=False)
