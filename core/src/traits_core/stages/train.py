"""Methods on one stream of activations, each into a scorer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import torch

from traits_core.config.contents import content_digest, contents_of
from traits_core.config.run_config import RunConfig, digest_of
from traits_core.config.sweep import refuse_other_batches
from traits_core.errors import StageError, TraitsError
from traits_core.normalization.normalizer import Normalizer
from traits_core.normalization.stream import NormalizedStream
from traits_core.protocols import Comm, Method, PlanningMethod
from traits_core.records import FeatureSpec
from traits_core.scoring.saved import read_facts, save_scorer
from traits_core.stages.context import Context
from traits_core.stages.normalizer import run_normalizer
from traits_core.stages.rundir import RunDirectory
from traits_core.stages.status import Stage, begin
from traits_core.stores.reader import Store
from traits_core.streaming.sample import sample_rows
from traits_core.streaming.shuffle import ShuffledStream
from traits_core.streaming.stream import BatchStream
from traits_core.tracking.metrics import MetricsLog
from traits_core.training.checkpoint import Checkpoints
from traits_core.training.comm import first_rank_first
from traits_core.training.fate import FateComm, LearnerError, shared_fate
from traits_core.training.learner import Learner
from traits_core.training.loop import Loop
from traits_core.training.slices import SlicedStream

if TYPE_CHECKING:
    from torch import Tensor


def train(
    runs: Sequence[RunDirectory], activations: Store, context: Context
) -> dict[Path, TraitsError]:
    """Learn the prototypes of `runs` in one pass over the training split, and keep their scorers.

    Each run ends as if it were trained alone. Of several, those that fail are dropped: returned is
    why, by their roots. Processes that share the work of `context.comm` all call this; rank 0 writes.

    Raises ConfigError when the runs do not want the same batches.
    """
    refuse_other_batches([run.config for run in runs])
    leads = context.comm.rank == 0
    stages = [
        (run, begin(run.root, train_stage(run, activations), context.progress, leads))
        for run in runs
    ]
    pending = [(run, stage) for run, stage in stages if stage is not None]
    comm = context.comm if len(runs) == 1 else FateComm(context.comm)
    failures = _learn([run for run, _ in pending], activations, context, comm) if pending else {}
    for run, stage in pending:
        if run.root in failures:
            run.trackers.finish(ok=False)
        else:
            stage.end()
    context.comm.barrier()
    return failures


def build_method(config: RunConfig, d_model: int, context: Context, comm: Comm) -> Method:
    """The method of a run, which has learned nothing yet; raises what its options make it raise."""
    method: Method = config.method.build(
        d_model=d_model, seed=config.run.seed, device=context.device, comm=comm
    )
    return method


def scorer_digest(run: RunDirectory) -> str | None:
    """Digest of the run's scorer, None when there is none; raises StoreError when it is damaged."""
    return read_facts(run.scorer).digest if run.scorer.exists() else None


def train_stage(run: RunDirectory, activations: Store) -> Stage:
    """From activations, and all that decides what the method learns of them, to its scorer."""
    options, named = run.config.run, contents_of(run.config.method.options)
    return Stage(
        name="train",
        fixed={
            "activations": activations.digest,
            "method": digest_of([run.config.method.to_json(), options.seed, options.batch_size]),
            "order": digest_of(options.order_seed),
            "normalize": digest_of([options.normalize, options.normalize_epsilon]),
            **{f"method.{name}": content_digest(path) for name, path in named.items()},
        },
        place=run.scorer,
        output=lambda: scorer_digest(run),
        label=run.label,
    )


def _learn(
    runs: Sequence[RunDirectory], activations: Store, context: Context, comm: Comm
) -> dict[Path, TraitsError]:
    """Train what is left of the runs, which want the same batches; return why some of them failed."""
    options, (array,) = runs[0].config.run, activations.header.arrays
    normalizer = first_rank_first(
        context.comm, lambda: _common_normalizer(runs, activations, context)
    )
    stream: BatchStream = ShuffledStream(
        activations, array.name, options.batch_size, options.order_seed, device=context.device
    )
    if context.comm.world_size > 1:
        stream = SlicedStream(stream, context.comm)
    learners = [_learner(run, activations, normalizer, context, comm) for run in runs]
    Loop(
        learners=learners,
        stream=NormalizedStream(stream, normalizer) if normalizer else stream,
        comm=context.comm,
        checkpoint_every=options.checkpoint_every,
        checkpoint_minutes=options.checkpoint_minutes,
        progress=context.progress,
    ).run()
    for run, learner in zip(runs, learners, strict=True):
        if learner.failure is None:
            _keep_scorer(run, learner, array.feature, normalizer)
    trained = zip(runs, learners, strict=True)
    return {run.root: learner.failure for run, learner in trained if learner.failure}


def _keep_scorer(
    run: RunDirectory, learner: Learner, feature: FeatureSpec, normalizer: Normalizer | None
) -> None:
    """Save what was learned; one of several that cannot be saved is dropped, as the loop drops them."""
    try:
        with shared_fate(learner.comm):
            if learner.comm.rank == 0:
                scorer, name = learner.method.scorer(), run.config.method.spec.name
                save_scorer(run.scorer, scorer, name, feature, normalizer)
    except LearnerError as failure:
        learner.drop(failure)


def _common_normalizer(
    runs: Sequence[RunDirectory], activations: Store, context: Context
) -> Normalizer | None:
    """The normaliser of the runs; raises StageError when another machine has fitted some of them."""
    first, *others = [run_normalizer(run, activations, context) for run in runs]
    for run, other in zip(runs[1:], others, strict=True):
        if first is not None and other is not None and not _same(first, other):
            raise StageError(
                f"{runs[0].root} and {run.root} go through different normalisers, which were fitted "
                "on different machines: train them one by one"
            )
    return first


def _same(first: Normalizer, other: Normalizer) -> bool:
    one, two = (attrs.asdict(normalizer.map, recurse=False) for normalizer in (first, other))
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def _learner(
    run: RunDirectory,
    activations: Store,
    normalizer: Normalizer | None,
    context: Context,
    comm: Comm,
) -> Learner:
    seed, (array,) = run.config.run.seed, activations.header.arrays
    method = build_method(run.config, array.columns, context, comm)
    if isinstance(method, PlanningMethod):
        method.plan(activations.header.rows)

    def sample(n: int) -> Tensor:
        rows_nd = sample_rows(activations, array.name, n, seed).to(context.device)
        return normalizer(rows_nd) if normalizer else rows_nd

    return Learner(
        name=run.label,
        method=method,
        sample=sample,
        checkpoints=Checkpoints(run.checkpoints, comm),
        log=MetricsLog(run.metrics, run.trackers),
        comm=comm,
        progress=context.progress,
    )
