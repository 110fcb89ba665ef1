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
    if as_json:
        print_json(_result_json(run))
        return
    headline = read_result(run).headline
    columns = [name for name in SHOWN if any(name in row for row in headline)] or list(headline[0])
    print(format_table(headline, columns))
    print(f"\nrun     {run.root}\nreport  {run.report}")


def print_results(runs: Sequence[RunDirectory], as_json: bool) -> None:
    """Print several results one after the other; as JSON, one list."""
    if as_json:
        print_json([_result_json(run) for run in runs])
        return
    for number, run in enumerate(runs):
        print("\n" * bool(number), end="")
        print_result(run, as_json=False)


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


def _result_json(run: RunDirectory) -> dict[str, Any]:
    scores = {row["row"]: row["map"] for row in read_result(run).headline if "map" in row}
    return {"run": run.root, "report": run.report, "map": scores}


def _toml(value: Any) -> str:
    return json.dumps("none" if value is None else value, ensure_ascii=False)
