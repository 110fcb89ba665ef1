"""What `store.json` says: everything about a store that is fixed before its first row is written."""

from __future__ import annotations

import attrs

from traits_core.records import FeatureSpec

FORMAT_VERSION = 1


@attrs.frozen(kw_only=True)
class ArraySpec:
    """One 2-D array of a store: a layer of activations, or the scores of one scorer.

    Parameters
    ----------
    name: layer id or scorer name
    columns: length of a row: `d_model` or `n_prototypes`
    feature: what an activation is; for scores, what they were computed from
    scorer: digest of the scorer; None for activations
    """

    name: str
    columns: int
    feature: FeatureSpec
    scorer: str | None = None


@attrs.frozen(kw_only=True)
class StoreHeader:
    """The immutable description of a store. Rows are example-major: row = example * positions + position.

    Parameters
    ----------
    kind: `activations` or `scores`
    storage: name of the storage that wrote it
    dtype: `float32`, `float16` or `bfloat16` (kept as uint16 bits)
    rows: rows of each array when complete
    positions: rows per example (1 for pooled scores)
    rows_per_shard: rows in every shard but the last; a multiple of `chunk_rows`
    chunk_rows, chunk_columns: the smallest piece that is read at once
    arrays: all of the same number of rows
    dataset: name of the dataset
    dataset_digest: its digest
    split: name of the split
    source: digest of the store that scores were computed from; None for activations
    pooling: how the positions of an example became one row: `max`, `mean`; None for activations
    """

    version: int = FORMAT_VERSION
    kind: str
    storage: str
    dtype: str
    rows: int
    positions: int
    rows_per_shard: int
    chunk_rows: int
    chunk_columns: int
    arrays: tuple[ArraySpec, ...]
    dataset: str
    dataset_digest: str
    split: str
    source: str | None = None
    pooling: str | None = None
