"""Scores and labels through a probe, into tables: parquet for tools, JSON for everything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import attrs

from traits_core.config.run_config import RunConfig, digest_of
from traits_core.durable import replacing, write_json
from traits_core.errors import DataError, StageError
from traits_core.probing.audit import describe_labels
from traits_core.protocols import Dataset, Probe, ScoreMatrix
from traits_core.records import PositionLabels, ProbeResult, Table, TraitLabels
from traits_core.scoring.matrix import open_scores
from traits_core.scoring.positions import SelectedRows, labelled_positions, one_against_rest
from traits_core.stages.context import Context
from traits_core.stages.rundir import RunDirectory
from traits_core.stages.status import Stage, perform
from traits_core.stores.reader import Store, open_store

SCHEMA_VERSION = 2


@attrs.frozen
class SplitScores:
    """The `ProbeSplit` of one split: scores by row name, and labels."""

    scores: Mapping[str, ScoreMatrix]
    traits: TraitLabels


def trait_labels(dataset: Dataset, name: str, split: str) -> TraitLabels:
    """The labels that a probe needs; raises DataError when the dataset has none."""
    labels = dataset.traits(split)
    if labels is None:
        raise DataError(
            f"dataset {name!r} has no trait labels in split {split!r}: nothing to probe. "
            "`traits train` learns prototypes without labels"
        )
    return labels


def class_labels(dataset: Dataset, name: str, split: str) -> PositionLabels:
    """The classes of positions; raises DataError when the dataset has none."""
    labels = dataset.position_labels(split)
    if labels is None:
        raise DataError(
            f"dataset {name!r} has no classes of positions in split {split!r}, which --pooling none "
            "needs to probe: choose --pooling max, mean or top-mean, which probe traits of examples"
        )
    return labels


def check_labels(
    config: RunConfig, dataset: Dataset, split: str, n_examples: int, positions: int
) -> None:
    """Refuse, before anything is computed, a dataset that lacks what the run's probe needs.

    Raises DataError when there are no labels; StageError when they are of another number of examples,
    or of other positions than the backbone has.
    """
    name = config.dataset.spec.name
    if config.run.pooling == "none":
        what = "classes of positions"
        n_labels, labelled = class_labels(dataset, name, split).labels_np.shape
    else:
        what = "trait labels"
        n_labels, labelled = len(trait_labels(dataset, name, split).labels_nt), positions
    if n_labels != n_examples:
        raise StageError(f"split {split!r}: {n_labels} rows of {what} for {n_examples} examples")
    if labelled != positions:
        raise StageError(
            f"split {split!r}: dataset {name!r} has classes of {labelled} positions an example, backbone "
            f"{config.backbone.spec.name!r} has {positions}: choose a backbone or a layer with {labelled}, "
            "or --pooling max, mean or top-mean, which probe traits of examples"
        )


def labels_digest(config: RunConfig, dataset: Dataset) -> str:
    """What the labels of a run's rows are: those of positions are not those of examples."""
    unpooled = config.run.pooling == "none"
    return digest_of([dataset.digest, "positions"]) if unpooled else dataset.digest


def split_scores(config: RunConfig, dataset: Dataset, split: str, store: Store) -> SplitScores:
    """What the run's probe sees of a split: scores and labels of examples, or of labelled positions.

    Raises DataError when the dataset lacks the labels, or has labels of other positions.
    """
    name, scores = config.dataset.spec.name, open_scores(store)
    if config.run.pooling != "none":
        return SplitScores(scores, trait_labels(dataset, name, split))
    labels = class_labels(dataset, name, split)
    rows = labelled_positions(labels, store.header.rows, store.header.positions)
    return SplitScores(
        {row: SelectedRows(matrix, rows) for row, matrix in scores.items()},
        one_against_rest(labels, rows),
    )


def probe(run: RunDirectory, dataset: Dataset, context: Context) -> None:
    """Measure what the run's prototypes know, and keep the tables."""
    config, stores = run.config, score_stores(run, context)
    if len({store.header.arrays[0].scorer for store in stores.values()}) > 1:
        raise StageError(
            f"{run.root}: its splits were scored by different scorers: run "
            f"`traits materialize {run.root}` first"
        )
    stage = probe_stage(run, dataset, stores)

    def work() -> None:
        splits = {
            split: split_scores(config, dataset, split, store) for split, store in stores.items()
        }
        for split, seen in splits.items():
            context.progress.say(f"  {split}: {describe_labels(seen.traits)}")
        measure: Probe = config.probe.build()
        result = measure(
            splits[config.run.train_split], splits[config.run.test_split], config.run.seed
        )
        _write(run, result, stage.all_inputs)

    perform(run.root, stage, work, context.progress)


def probe_stage(run: RunDirectory, dataset: Dataset, scores: Mapping[str, Store]) -> Stage:
    """From scores by split, and labels, to a result."""
    config = run.config
    return Stage(
        name="probe",
        fixed={"labels": labels_digest(config, dataset)},
        inputs={
            **{f"scores {split}": store.digest for split, store in scores.items()},
            "probe": digest_of([config.probe.to_json(), config.run.seed]),
        },
        place=run.probe,
        output=lambda: result_digest(run),
    )


def score_stores(run: RunDirectory, context: Context) -> dict[str, Store]:
    """The scores of the run by split; raises StageError when there are none."""
    splits = run.config.run.train_split, run.config.run.test_split
    if not all((run.scores / split).exists() for split in splits):
        raise StageError(f"{run.root} has no scores yet: run `traits materialize {run.root}` first")
    return {split: open_store(run.scores / split, context.registry) for split in splits}


def _write(run: RunDirectory, result: ProbeResult, inputs: Mapping[str, str]) -> None:
    """Parquet first: the JSON file, written last, says that the result is complete.

    Both say what they were computed from, so that a table that is copied elsewhere can be traced.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    run.probe.mkdir(exist_ok=True)
    facts = {
        "schema": SCHEMA_VERSION,
        "probe": run.config.probe.spec.name,
        "run": run.root.name,
        "config": run.config.digest,
        "inputs": dict(inputs),
    }
    for name, table in {"headline": result.headline, **result.tables}.items():
        columns = pa.Table.from_pylist([dict(row) for row in table])
        with replacing(run.probe / f"{name}.parquet") as temporary:
            pq.write_table(
                columns.replace_schema_metadata({"traits": json.dumps(facts)}), temporary
            )
    write_json(
        run.probe / "results.json",
        {
            **facts,
            "headline": [dict(row) for row in result.headline],
            "tables": {name: [dict(row) for row in rows] for name, rows in result.tables.items()},
        },
    )


def read_result(run: RunDirectory) -> ProbeResult:
    """The tables of a finished probe; raises StageError when there are none, or damaged ones."""
    if result_digest(run) is None:
        raise StageError(f"{run.root} has no result yet: run `traits probe {run.root}` first")
    try:
        raw = json.loads((run.probe / "results.json").read_text(encoding="utf-8"))
        tables: dict[str, Table] = {name: tuple(rows) for name, rows in raw["tables"].items()}
        return ProbeResult(headline=tuple(raw["headline"]), tables=tables)
    except (OSError, ValueError, KeyError) as error:
        raise StageError(
            f"{run.probe}: no readable result ({error}): remove it and run `traits probe {run.root}`"
        ) from error


def result_digest(run: RunDirectory) -> str | None:
    """Digest of the probe's JSON; None when it is not there."""
    path = run.probe / "results.json"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
