"""What the terminal shows of runs, planned or finished."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from traits_core.cli.shared import print_json
from traits_core.cli.tables import format_table
from traits_core.config.run_config import RunConfig
from traits_core.config.sweep import column, differences, label
from traits_core.records import Table
from traits_core.stages.plan import PlannedStage
from traits_core.stages.probe import read_result
from traits_core.stages.rundir import RunDirectory

WIDTH: Final = 110


def print_result(run: RunDirectory, as_json: bool) -> None:
    """Print the headline with its nulls, and where run and report are."""
    if as_json:
        print_json(_result_json(run))
        return
    headline = read_result(run).headline
    print(format_table(headline, _first_columns(headline)))
    print(f"\nrun     {run.root}\nreport  {run.report}")


def print_results(
    runs: Sequence[RunDirectory], configs: Sequence[RunConfig], as_json: bool
) -> None:
    """Print a row per run, if any: how it differs from all that were asked for, its mAP and those of the nulls."""
    all_options = zip(configs, differences(configs), strict=True)
    by_digest = {config.digest: options for config, options in all_options}
    differing = [by_digest[run.config.digest] for run in runs]
    if as_json:
        found = zip(runs, differing, strict=True)
        print_json([{"options": options, **_result_json(run)} for run, options in found])
        return
    rows = [_result_row(run, options) for run, options in zip(runs, differing, strict=True)]
    if rows:
        print(format_table(rows, list(dict.fromkeys(name for row in rows for name in row))))


def print_plan(config: RunConfig, stages: Sequence[PlannedStage], as_json: bool) -> None:
    """Print the merged configuration and the stages: text that `--config` takes as a TOML file."""
    if as_json:
        print_json(_plan_json(config, stages))
        return
    for section, options in config.to_json().items():
        print(f"[{section}]")
        for name, value in options.items():
            print(f"{name} = {_toml(value)}")
        print()
    for number, stage in enumerate(stages, 1):
        print(f"# {number}. {stage.name:18} {stage.state:8} {stage.output}")


def print_plans(
    configs: Sequence[RunConfig], plans: Sequence[Sequence[PlannedStage]], as_json: bool
) -> None:
    """Print the plan of the first of several runs, and how the runs differ; as JSON, all plans."""
    differing = differences(configs)
    if as_json:
        planned = zip(configs, plans, differing, strict=True)
        print_json(
            [{"options": options, **_plan_json(c, stages)} for c, stages, options in planned]
        )
        return
    print_plan(configs[0], plans[0], as_json=False)
    print(f"#\n# {len(configs)} runs learn in one pass over the activations, this one first:")
    for number, (options, stages) in enumerate(zip(differing, plans, strict=True), 1):
        complete = sum(stage.state == "complete" for stage in stages)
        print(f"# {number}. {label(options)}: {complete} of {len(stages)} stages complete")


def _first_columns(headline: Table) -> list[str]:
    """As many as fit in `WIDTH`, in the probe's own order, without those that are empty."""
    names = [name for name in headline[0] if any(row.get(name) is not None for row in headline)]
    while len(names) > 1 and max(map(len, format_table(headline, names).splitlines())) > WIDTH:
        names.pop()
    return names


def _result_json(run: RunDirectory) -> dict[str, Any]:
    scores = {row["row"]: row["map"] for row in read_result(run).headline if "map" in row}
    return {"run": run.root, "report": run.report, "map": scores}


def _result_row(run: RunDirectory, options: dict[str, Any]) -> dict[str, Any]:
    headline = read_result(run).headline
    nulls = {row["row"]: row["map"] for row in headline if "map" in row}
    method = next((row for row in headline if row["row"] == "method"), headline[-1])
    varied = {column(name): value for name, value in options.items()}
    return {
        **varied,
        **{name: method[name] for name in _first_columns(headline) if name not in ("row", *varied)},
        **{name: value for name, value in nulls.items() if name != "method"},
        "run": str(run.root),
    }


def _plan_json(config: RunConfig, stages: Sequence[PlannedStage]) -> dict[str, Any]:
    steps = [{"stage": s.name, "output": s.output, "state": s.state} for s in stages]
    return {"config": config.to_json(), "plan": steps}


def _toml(value: Any) -> str:
    return json.dumps("none" if value is None else value, ensure_ascii=False)
