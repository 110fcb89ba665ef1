"""Pooled scores and labels through a probe, into tables: parquet for tools, JSON for everything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import attrs

from traits_core.config.run_config import digest_of
from traits_core.durable import replacing, write_json
from traits_core.errors import DataError, StageError
from traits_core.protocols import Dataset, Probe, ScoreMatrix
from traits_core.records import ProbeResult, Table, TraitLabels
from traits_core.scoring.matrix import StoredScores
from traits_core.stages.context import Context
from traits_core.stages.rundir import RunDirectory
from traits_core.stages.status import Stage, perform
from traits_core.stores.reader import Store, open_store

SCHEMA_VERSION = 1


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


def probe(run: RunDirectory, dataset: Dataset, context: Context) -> None:
    """Measure what the run's prototypes know, and keep the tables."""
    config = run.config
    stores = {
        split: _scores(run, split, context)
        for split in (config.run.train_split, config.run.test_split)
    }

    def work() -> None:
        splits = {
            split: _split(store, trait_labels(dataset, config.dataset.spec.name, split))
            for split, store in stores.items()
        }
        measure: Probe = config.probe.build()
        result = measure(
            splits[config.run.train_split], splits[config.run.test_split], config.run.seed
        )
        _write(run, result)

    stage = Stage(
        name="probe",
        inputs={
            **{f"scores {split}": store.digest for split, store in stores.items()},
            "labels": dataset.digest,
            "probe": digest_of([config.probe.to_json(), config.run.seed]),
        },
        place=run.probe,
        output=lambda: result_digest(run),
    )
    perform(run.root, stage, work, context.progress)


def _scores(run: RunDirectory, split: str, context: Context) -> Store:
    if not (run.scores / split).exists():
        raise StageError(f"{run.root} has no scores yet: run `traits materialize {run.root}` first")
    return open_store(run.scores / split, context.registry)


def _split(store: Store, traits: TraitLabels) -> SplitScores:
    arrays = store.header.arrays
    return SplitScores({array.name: StoredScores(store, array.name) for array in arrays}, traits)


def _write(run: RunDirectory, result: ProbeResult) -> None:
    """Parquet first: the JSON file, written last, says that the result is complete."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    run.probe.mkdir(exist_ok=True)
    for name, table in {"headline": result.headline, **result.tables}.items():
        with replacing(run.probe / f"{name}.parquet") as temporary:
            pq.write_table(pa.Table.from_pylist([dict(row) for row in table]), temporary)
    write_json(
        run.probe / "results.json",
        {
            "schema": SCHEMA_VERSION,
            "probe": run.config.probe.spec.name,
            "headline": [dict(row) for row in result.headline],
            "tables": {name: [dict(row) for row in rows] for name, rows in result.tables.items()},
        },
    )


def read_result(run: RunDirectory) -> ProbeResult:
    """The tables of a finished probe; raises StageError when there are none."""
    try:
        raw = json.loads((run.probe / "results.json").read_text(encoding="utf-8"))
        tables: dict[str, Table] = {name: tuple(rows) for name, rows in raw["tables"].items()}
        return ProbeResult(headline=tuple(raw["headline"]), tables=tables)
    except (OSError, ValueError, KeyError) as error:
        raise StageError(
            f"{run.probe}: no readable result ({error}); run `traits probe`"
        ) from error


def result_digest(run: RunDirectory) -> str | None:
    """Digest of the probe's JSON; None when it is not there."""
    path = run.probe / "results.json"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
