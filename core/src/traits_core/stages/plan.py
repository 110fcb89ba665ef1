"""What a run would do, told before it does anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import attrs

from traits_core.config.run_config import RunConfig
from traits_core.stages.compose import labelled_source, splits
from traits_core.stages.context import Context
from traits_core.stages.extract import Source, activations_root
from traits_core.stages.materialize import materialize_stage
from traits_core.stages.measure import figures_path, measure_stage
from traits_core.stages.probe import probe_stage, score_stores
from traits_core.stages.report import report_stage
from traits_core.stages.rundir import RunDirectory, run_root
from traits_core.stages.status import Outlook, Stage, outlook, read_status
from traits_core.stages.train import train_stage
from traits_core.stores.reader import Store, is_complete, open_store

PlannedState = Outlook | Literal["depends"]
"""`depends`: made again only if what it is made from, which is not complete, becomes another."""


@attrs.frozen
class PlannedStage:
    """One line of a plan."""

    name: str
    output: Path
    state: PlannedState


def plan(configs: Sequence[RunConfig], context: Context) -> list[list[PlannedStage]]:
    """The stages of each run and what is done of them; nothing is written.

    Raises what `run_several` raises before its first stage; StageError when a stage will be refused.
    """
    source = labelled_source(configs, context)
    return [_planned(config, source, context) for config in configs]


def _planned(config: RunConfig, source: Source, context: Context) -> list[PlannedStage]:
    """What `begin` will find of each stage, as far as that can be told before those that it is made from."""
    run, (train, test) = RunDirectory(run_root(context.home, config), config), splits(config)
    recorded = read_status(run.root)
    planned: dict[str, PlannedStage] = {}
    for split in (train, test):
        root = activations_root(context.home, source.header(split))
        state: PlannedState = (
            "complete" if is_complete(root) else "begun" if root.exists() else "to do"
        )
        planned[f"extract {split}"] = PlannedStage(f"extract {split}", root, state)

    def add(name: str, made_from: Sequence[str], output: Path, stage: Callable[[], Stage]) -> None:
        before, states = recorded.get(name), {planned[other].state for other in made_from}
        state: PlannedState = "to do"
        if before and states == {"complete"}:
            state = outlook(run.root, stage(), before)
        elif before:
            state = "again" if "again" in states else "depends"
        planned[name] = PlannedStage(name, output, state)

    def acts(split: str) -> Store:
        return open_store(planned[f"extract {split}"].output, context.registry)

    def scoring(split: str) -> Stage:
        return materialize_stage(run, split, acts(split), context)

    def probing() -> Stage:
        return probe_stage(run, source.dataset, score_stores(run, context))

    add("train", (f"extract {train}",), run.scorer, lambda: train_stage(run, acts(train)))
    learned = {split: (f"extract {split}", "train") for split in (train, test)}
    for split, made_from in learned.items():
        add(f"materialize {split}", made_from, run.scores / split, partial(scoring, split))
    add("measure", learned[test], figures_path(run.root), lambda: measure_stage(run, acts(test)))
    add("probe", [f"materialize {split}" for split in learned], run.probe, probing)
    add("report", (*learned[test], "probe"), run.report, lambda: report_stage(run, acts(test)))
    return list(planned.values())
