"""A method on a stream of activations, into a scorer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from traits_core.config.run_config import digest_of
from traits_core.normalization.stream import NormalizedStream
from traits_core.protocols import Method, PlanningMethod
from traits_core.scoring.saved import read_facts, save_scorer
from traits_core.stages.context import Context
from traits_core.stages.normalizer import run_normalizer
from traits_core.stages.rundir import RunDirectory
from traits_core.stages.status import Stage, perform
from traits_core.stores.reader import Store
from traits_core.streaming.sample import sample_rows
from traits_core.streaming.shuffle import ShuffledStream
from traits_core.tracking.metrics import MetricsLog
from traits_core.training.comm import NullComm
from traits_core.training.loop import Loop

if TYPE_CHECKING:
    from torch import Tensor


def train(run: RunDirectory, activations: Store, context: Context) -> None:
    """Learn prototypes from the training split, and keep their scorer."""
    options, (array,) = run.config.run, activations.header.arrays

    def work() -> None:
        method: Method = run.config.method.build(
            d_model=array.columns, seed=options.seed, device=context.device, comm=NullComm()
        )
        if isinstance(method, PlanningMethod):
            method.plan(activations.header.rows)
        normalizer = run_normalizer(run, activations, context)
        stream = ShuffledStream(
            activations, array.name, options.batch_size, options.seed, device=context.device
        )

        def sample(n: int) -> Tensor:
            rows_nd = sample_rows(activations, array.name, n, options.seed).to(context.device)
            return normalizer(rows_nd) if normalizer else rows_nd

        Loop(
            method=method,
            stream=NormalizedStream(stream, normalizer) if normalizer else stream,
            sample=sample,
            checkpoints=run.checkpoints,
            checkpoint_every=options.checkpoint_every,
            log=MetricsLog(run.metrics, context.trackers),
            progress=context.progress,
        ).run()
        save_scorer(
            run.scorer, method.scorer(), run.config.method.spec.name, array.feature, normalizer
        )

    stage = Stage(
        name="train",
        inputs={
            "activations": activations.digest,
            "method": digest_of([run.config.method.to_json(), options.seed, options.batch_size]),
            "normalize": digest_of([options.normalize, options.normalize_epsilon]),
        },
        place=run.scorer,
        output=lambda: scorer_digest(run),
    )
    perform(run.root, stage, work, context.progress)


def scorer_digest(run: RunDirectory) -> str | None:
    """Digest of the run's scorer, None when there is none; raises StoreError when it is damaged."""
    return read_facts(run.scorer).digest if run.scorer.exists() else None
