"""`traits run` is these stages, one after the other, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from traits_core.config.contents import refuse_missing
from traits_core.config.run_config import RunConfig
from traits_core.config.sweep import differences, label, refuse_other_batches
from traits_core.errors import ConfigError, DiskFullError, StageError, TraitsError
from traits_core.protocols import BoundedMethod, Method
from traits_core.stages.context import Context
from traits_core.stages.extract import Source, activations_root, extract, open_source
from traits_core.stages.materialize import materialize_scores
from traits_core.stages.probe import check_labels, probe
from traits_core.stages.report import report
from traits_core.stages.rundir import RunDirectory, create_run
from traits_core.stages.train import build_method, train
from traits_core.stages.watched import publish, watched
from traits_core.stores.lock import locked
from traits_core.stores.reader import Store, is_complete, open_store
from traits_core.training.comm import first_rank_first


class FailedRunsError(StageError):
    """Some of several runs failed; `finished` are the others, complete."""

    def __init__(self, runs: Sequence[RunDirectory], failures: Mapping[Path, TraitsError]) -> None:
        self.finished = [run for run in runs if run.root not in failures]
        told = [f"{run.label}: {failures[run.root]}" for run in runs if run.root in failures]
        super().__init__("\n".join([f"{len(told)} of {len(runs)} runs failed:", *told]))


def run_all(config: RunConfig, context: Context) -> RunDirectory:
    """Bring every stage of a run to completion, and return its directory.

    What cannot work is refused before the first stage begins.
    """
    (run,) = run_several([config], context)
    return run


def run_several(configs: Sequence[RunConfig], context: Context) -> list[RunDirectory]:
    """Bring every stage of runs that want the same batches to completion, as `run_all` each of them.

    Their methods learn in one pass over the activations. Of several processes, all call this.

    Raises ConfigError when the configurations do not want the same batches, or name files that are
    not there; FailedRunsError, at the end, when some of several runs failed: each for itself, save that
    a full disk stops all.
    """
    source = labelled_source(configs, context)
    with _begun(configs, context) as runs:
        activations = {
            split: first_rank_first(context.comm, partial(extract, source, split, context))
            for split in splits(configs[0])
        }
        failures = train(runs, activations[configs[0].run.train_split], context)
        for run in runs if context.comm.rank == 0 else ():
            if run.root in failures:
                continue
            try:
                _evaluate(run, source, activations, context)
            except TraitsError as failure:
                if len(runs) == 1 or isinstance(failure, DiskFullError):
                    raise
                failures[run.root] = failure
                run.trackers.finish(ok=False)
                context.progress.say(f"  {run.label}: dropped, the others go on: {failure}")
        context.comm.barrier()
    if failures:
        raise FailedRunsError(runs, failures)
    return runs


def _evaluate(
    run: RunDirectory, source: Source, activations: dict[str, Store], context: Context
) -> None:
    """The stages of a run that has learned."""
    if run.label:
        context.progress.say(f"{run.label}:")
    materialize_scores(run, activations, context)
    probe(run, source.dataset, context)
    report(run, source, activations, context)
    publish(run)


def train_several(configs: Sequence[RunConfig], context: Context) -> list[RunDirectory]:
    """Train runs that want the same batches on activations that are there, in one pass.

    Raises StageError when the activations are not there, else as `run_several` does.
    """
    source = _common_source(configs, context)
    activations = extracted(source, configs[0].run.train_split, context)
    with _begun(configs, context) as runs:
        failures = train(runs, activations, context)
    if failures:
        raise FailedRunsError(runs, failures)
    return runs


def labelled_source(configs: Sequence[RunConfig], context: Context) -> Source:
    """Where the activations and labels of runs come from; refuses what no stage of them can work with."""
    source = _common_source(configs, context)
    positions = source.backbone.positions_per_example(source.layer)
    for split in splits(configs[0]):
        n_examples = len(source.examples(split))
        for config in configs:
            check_labels(config, source.dataset, split, n_examples, positions)
    return source


def _common_source(configs: Sequence[RunConfig], context: Context) -> Source:
    """Where the activations of runs come from; refuses what cannot work before anything is made."""
    refuse_other_batches(configs)
    for config in configs:
        refuse_missing(config)
    source = open_source(configs[0], context)
    d_model = source.backbone.feature_spec(source.layer).d_model
    for config in configs:  # what a method refuses, it refuses now
        _refuse_nothing_kept(config, build_method(config, d_model, context, context.comm))
    return source


def _refuse_nothing_kept(config: RunConfig, method: Method) -> None:
    """Raise ConfigError when no score of the method can be one that the run keeps."""
    form, tau = config.run.scores, config.run.scores_tau
    if form != "dense" and isinstance(method, BoundedMethod) and method.highest_score <= tau:
        raise ConfigError(
            f"--scores {form} keeps what is above --scores-tau {tau:g}, and scores of "
            f"{config.method.spec.name!r} with these options are never above {method.highest_score:g}: "
            "choose a lower tau, other scores of the method, or --scores dense"
        )


@contextmanager
def _begun(configs: Sequence[RunConfig], context: Context) -> Iterator[list[RunDirectory]]:
    """The directories of runs, which rank 0 holds and has watched."""
    trackers = [context.new_trackers() for _ in configs]
    labels = map(label, differences(configs))
    with ExitStack() as stack:
        runs = []
        for config, watching, name in zip(configs, trackers, labels, strict=True):
            run = create_run(context.home, config, context.registry, watching, name)
            runs.append(run)
            if context.comm.rank == 0:
                stack.enter_context(locked(run.root))
        if context.comm.rank == 0:
            for run in runs:
                stack.enter_context(watched(run))
        yield runs


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
