"""`traits run` is these stages, one after the other, and nothing more."""

from __future__ import annotations

from pathlib import Path

import attrs

from traits_core.config.run_config import RunConfig
from traits_core.errors import StageError
from traits_core.stages.context import Context
from traits_core.stages.extract import Source, activations_root, extract, open_source
from traits_core.stages.materialize import materialize_scores
from traits_core.stages.probe import check_labels, probe
from traits_core.stages.report import report
from traits_core.stages.rundir import RunDirectory, create_run, run_root
from traits_core.stages.status import read_status
from traits_core.stages.train import train
from traits_core.stages.watched import publish, watched
from traits_core.stores.lock import locked
from traits_core.stores.reader import Store, is_complete, open_store


@attrs.frozen
class PlannedStage:
    """One line of a plan; `state` is `complete`, `begun` or `to do`."""

    name: str
    output: Path
    state: str


def run_all(config: RunConfig, context: Context) -> RunDirectory:
    """Bring every stage of a run to completion, and return its directory.

    What cannot work is refused before the first stage begins.
    """
    source = open_source(config, context)
    for split in splits(config):
        check_labels(config, source.dataset, split, len(source.examples(split)))
    run = create_run(context.home, config, context.registry)
    with locked(run.root), watched(run, context):
        activations = {split: extract(source, split, context) for split in splits(config)}
        train(run, activations[config.run.train_split], context)
        materialize_scores(run, activations, context)
        probe(run, source.dataset, context)
        report(run, source, activations, context)
        publish(run, context)
    return run


def plan(config: RunConfig, context: Context) -> list[PlannedStage]:
    """The stages of a run and what is done of them; nothing is written."""
    source, root = open_source(config, context), run_root(context.home, config)
    stages = []
    for split in splits(config):
        output = activations_root(context.home, source.header(split))
        state = "complete" if is_complete(output) else "begun" if output.exists() else "to do"
        stages.append(PlannedStage(f"extract {split}", output, state))
    states = read_status(root)
    outputs = {"train": "scorer"}
    outputs |= {f"materialize {split}": f"scores/{split}" for split in splits(config)}
    outputs |= {"probe": "probe", "report": "report/index.html"}
    for name, path in outputs.items():
        known = states.get(name)
        state = "to do" if known is None else "complete" if known.output else "begun"
        stages.append(PlannedStage(name, root / path, state))
    return stages


def splits(config: RunConfig) -> tuple[str, str]:
    """The split to learn and choose on, and the split to measure on."""
    return config.run.train_split, config.run.test_split


def extracted(source: Source, split: str, context: Context) -> Store:
    """The finished activations of a split; raises StageError when they are not there."""
    header = source.header(split)
    root = activations_root(context.home, header)
    if not is_complete(root):
        raise StageError(
            f"the activations of {header.dataset}/{split} are not in {root} (or not complete); "
            f"run `traits extract` with the same dataset, backbone and storage options"
        )
    return open_store(root, context.registry)
