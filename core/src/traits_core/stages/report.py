"""A finished run as one HTML file: its numbers, and what its best prototypes look at."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from traits_core.durable import write_text
from traits_core.errors import StageError
from traits_core.records import ProbeResult
from traits_core.reporting.content import ReportContent
from traits_core.reporting.page import render
from traits_core.scoring.saved import read_facts
from traits_core.stages.context import Context
from traits_core.stages.extract import Source
from traits_core.stages.panels import trait_panels
from traits_core.stages.probe import read_result, result_digest
from traits_core.stages.rundir import RunDirectory
from traits_core.stages.status import Stage, perform, read_status
from traits_core.stages.train import scorer_digest
from traits_core.stores.reader import Store
from traits_core.tracking.metrics import read_metrics


def report(
    run: RunDirectory, source: Source, activations: dict[str, Store], context: Context
) -> None:
    """Write `report/index.html`; raises StageError when what it would show was not made from its scorer."""
    result, test = read_result(run), activations[run.config.run.test_split]
    _refuse_stale(run)

    def work() -> None:
        run.report.parent.mkdir(exist_ok=True)
        write_text(run.report, render(_content(run, result, source, activations, context)))

    perform(run.root, report_stage(run, test), work, context.progress)


def report_stage(run: RunDirectory, activations: Store) -> Stage:
    """From a result, the run's scorer, and the activations of its test split, to a page."""
    return Stage(
        name="report",
        fixed={"activations": activations.digest},
        inputs={
            "probe": result_digest(run) or "absent",
            "scorer": scorer_digest(run) or "absent",
        },
        place=run.report,
        output=lambda: _digest(run.report),
    )


def _refuse_stale(run: RunDirectory) -> None:
    """Raise StageError when scores are not of the run's scorer, or its result is not of its scores."""
    states, split = read_status(run.root), run.config.run.test_split
    scores, result = states.get(f"materialize {split}"), states.get("probe")
    if scores is None or scores.inputs["scorer"] != scorer_digest(run):
        these, stage = "scores are", "materialize"
    elif result is None or result.inputs[f"scores {split}"] != scores.output:
        these, stage = "result is", "probe"
    else:
        return
    raise StageError(f"{run.root}: its {these} out of date: run `traits {stage} {run.root}` first")


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def _content(
    run: RunDirectory,
    result: ProbeResult,
    source: Source,
    activations: dict[str, Store],
    context: Context,
) -> ReportContent:
    config, facts = run.config, run.facts
    method, dataset = config.method.spec.name, config.dataset.spec.name
    tables = dict(result.tables)
    return ReportContent(
        title=f"{method} on {dataset}",
        method=method,
        dataset=dataset,
        backbone=config.backbone.spec.name,
        layer=source.layer,
        run_name=run.root.name,
        created=f"{datetime.fromisoformat(facts['created']):%-d %B %Y, %H:%M} UTC",
        facts=_facts(run, activations),
        headline=result.headline,
        traits=tables.pop("traits", ()),
        other_tables=tables,
        panels=trait_panels(run, source, activations[config.run.test_split], result, context),
        config=facts["config"],
        command=shlex.join(facts["command"]),
    )


def _facts(run: RunDirectory, activations: dict[str, Store]) -> dict[str, str]:
    """What a reader asks first, in this order."""
    facts = {
        f"{split} examples": f"{store.header.rows // store.header.positions:,}"
        for split, store in activations.items()
    }
    header = activations[run.config.run.train_split].header
    facts["positions per example"] = str(header.positions)
    facts["d_model"] = str(header.arrays[0].columns)
    facts["prototypes"] = f"{read_facts(run.scorer).n_prototypes:,}"
    facts["seed"] = str(run.config.run.seed)
    if epoch := last_epoch(run.metrics):
        facts["epochs"] = str(epoch["epoch"])
        facts["training time"] = f"{epoch['seconds']:.1f} s"
    return facts


def last_epoch(path: Path) -> Mapping[str, Any] | None:
    """The last whole line of an epoch in a `metrics.jsonl`; raises StageError when it is damaged."""
    epochs = [line for line in read_metrics(path) if line.get("kind") == "epoch"]
    return epochs[-1] if epochs else None
