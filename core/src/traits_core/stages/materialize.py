"""A scorer and its nulls over both splits of the activations, into stores of scores."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from traits_core.config.run_config import Choice, RunConfig, digest_of
from traits_core.errors import StageError
from traits_core.probing.nulls import activations_scorer, gaussian_scorer
from traits_core.registry.plugins import Registry
from traits_core.scoring.keeping import keep_of
from traits_core.scoring.materialize import materialize, score_header
from traits_core.scoring.saved import load_scorer, read_facts
from traits_core.scoring.scored import NamedScorer
from traits_core.scoring.sinks import StoreSink
from traits_core.stages.context import Context
from traits_core.stages.measure import measure
from traits_core.stages.rundir import RunDirectory
from traits_core.stages.status import Stage, perform
from traits_core.stores.protocols import Storage
from traits_core.stores.reader import Store, is_complete, open_store
from traits_core.streaming.sample import sample_rows

NULL_ROWS: Final = 65_536
"""Training rows that the nulls are standardised with and drawn from, at least."""


def materialize_scores(run: RunDirectory, activations: dict[str, Store], context: Context) -> None:
    """Score every position of every split, and keep what the run's `--pooling` and `--scores` say.

    The scorer itself is measured on a sample of the test split.
    """
    if not run.scorer.exists():
        raise StageError(f"{run.root} has no scorer yet: run `traits train` with its options first")
    train = activations[run.config.run.train_split]
    for split, store in activations.items():
        _materialize_split(run, split, store, train, context)
    measure(run, activations[run.config.run.test_split], context)


def _materialize_split(
    run: RunDirectory, split: str, store: Store, train: Store, context: Context
) -> None:
    array, keep = store.header.arrays[0], keep_of(run.config.run)
    chosen, dtype = score_storage(run.config, context.registry), score_dtype(run.config)
    stage = materialize_stage(run, split, store, context)

    def work() -> None:
        scorers = run_scorers(run, train, context)
        storage: Storage = chosen.build()
        header = score_header(scorers, store, array.name, storage, chosen.spec.name, keep, dtype)
        with StoreSink(stage.place, header, storage, keep) as sink:
            materialize(scorers, store, array.name, [sink], context.device, context.progress)

    perform(run.root, stage, work, context.progress)


def materialize_stage(run: RunDirectory, split: str, activations: Store, context: Context) -> Stage:
    """From activations and the run's scorer, which must be of such activations, to a store of scores."""
    config, root = run.config, run.scores / split
    facts = read_facts(run.scorer)
    facts.check_feature(activations.header.arrays[0].feature)
    storage = score_storage(config, context.registry).to_json()
    settings = [config.run.seed, str(keep_of(config.run)), storage, score_dtype(config)]
    return Stage(
        name=f"materialize {split}",
        fixed={"activations": activations.digest},
        inputs={"scorer": facts.digest, "settings": digest_of(settings)},
        place=root,
        output=lambda: store_digest(root, context),
    )


def score_storage(config: RunConfig, registry: Registry) -> Choice:
    """The run's storage, unless the form of its scores has one of its own."""
    name = storage_of_form(config.run.scores)
    if name is None:
        return config.storage
    spec = registry.get("storage", name)
    return Choice(spec, spec.config())


def storage_of_form(form: str) -> str | None:
    """The storage that a form of scores needs, None for any: one without zeros."""
    return "zarr-sparse" if form == "threshold" else None


def score_dtype(config: RunConfig) -> str:
    """The dtype of stored scores; of the largest float32, which holds whose they are."""
    return "float32" if config.run.scores == "top-k" else config.run.scores_dtype


def run_scorers(run: RunDirectory, train: Store, context: Context) -> dict[str, NamedScorer]:
    """The scorer of a run, and nulls with as many prototypes, by row name."""
    scorer, facts = load_scorer(run.scorer, context.registry, context.device)
    seed, k = run.config.run.seed, facts.n_prototypes
    sample_nd = sample_rows(train, train.header.arrays[0].name, max(NULL_ROWS, k), seed)
    null = digest_of([seed, k, train.digest])
    scorers = {
        "method": (facts.digest, scorer),
        "gaussian": (f"gaussian-{null}", gaussian_scorer(sample_nd.to(context.device), k, seed)),
        "activations": (
            f"activations-{null}",
            activations_scorer(sample_nd.to(context.device), k, seed),
        ),
    }
    return {
        name: NamedScorer(name=name, digest=digest, scorer=scorer)
        for name, (digest, scorer) in scorers.items()
    }


def store_digest(root: Path, context: Context) -> str | None:
    """Digest of a complete store; None when it is absent or incomplete."""
    return open_store(root, context.registry).digest if is_complete(root) else None
