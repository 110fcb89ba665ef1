"""What `store.json` says: everything about a store that is fixed before its first row is written."""

from __future__ import annotations

import re
from typing import Final

import attrs

from traits_core.errors import StoreError
from traits_core.records import FeatureSpec

FORMAT_VERSION: Final = 1
KINDS: Final = ("activations", "scores")
FORMS: Final = ("top-k", "threshold", "dense")
DTYPES: Final = ("float32", "float16", "bfloat16")
ARRAY_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
MAX_CHUNK_VALUES: Final = 2**28
"""A chunk is read whole: a header cannot ask for more memory than this many values at once."""

MAX_PROTOTYPES: Final = 2**24
"""Up to here every whole number is a float32."""


@attrs.frozen(kw_only=True)
class Layout:
    """How a storage wants rows cut up; the fields of the same names in `StoreHeader`."""

    rows_per_shard: int
    chunk_rows: int
    chunk_columns: int


@attrs.frozen(kw_only=True)
class ArraySpec:
    """One 2-D array of a store: a layer of activations, or the scores of one scorer.

    Parameters
    ----------
    name: layer id or scorer name; it becomes a file name
    columns: length of a row: `d_model` or `n_prototypes`
    feature: what an activation is; for scores, what they were computed from
    scorer: digest of the scorer; None for activations

    Raises StoreError when the name could not be a file name, or there are no columns.
    """

    name: str
    columns: int
    feature: FeatureSpec
    scorer: str | None = None

    def __attrs_post_init__(self) -> None:
        if not ARRAY_NAME.match(self.name):
            raise StoreError(
                f"array name {self.name!r} must be up to 64 letters, digits, '.', '_' or '-', "
                "and start with a letter or digit"
            )
        if self.columns < 1:
            raise StoreError(
                f"array {self.name!r} has {self.columns} columns: at least 1 is needed"
            )


@attrs.frozen(kw_only=True)
class KeptScores:
    """Which scores of a row a store keeps: those above `tau`, as how far they are above it; others are 0.

    Parameters
    ----------
    form: `threshold`: all of these, in rows of full length; `top-k`: the largest of these, in the
        arrays `<scorer>.values` and `<scorer>.prototypes`, the latter with whole numbers; `dense`: some
        of these, in rows of full length, as `top-k` was converted
    tau: what a score is measured from
    n_prototypes: length of a full row

    Raises StoreError for another form, and for prototypes that a float32 cannot count.
    """

    form: str
    tau: float
    n_prototypes: int

    def __attrs_post_init__(self) -> None:
        if self.form not in FORMS:
            raise StoreError(f"form of scores {self.form!r} is none of {', '.join(FORMS)}")
        if not 1 <= self.n_prototypes <= MAX_PROTOTYPES:
            raise StoreError(
                f"some scores of {self.n_prototypes} prototypes: between 1 and {MAX_PROTOTYPES} "
                "can be told apart"
            )


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
    source: digest of the store that scores were computed from, or activations were converted from
    pooling: how the positions of an example became one row: `max`, `mean`, `top-mean of 8`, or `none`
        when each has its own; None for activations
    kept: which scores a row keeps; None for all of them, and for activations

    Raises StoreError when a value is out of range, or two disagree.
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
    kept: KeptScores | None = None

    def __attrs_post_init__(self) -> None:
        if self.version != FORMAT_VERSION:
            raise StoreError(
                f"store format {self.version}; this version of traits reads format {FORMAT_VERSION}"
            )
        if self.kind not in KINDS:
            raise StoreError(f"store kind {self.kind!r} is none of {', '.join(KINDS)}")
        if self.dtype not in DTYPES:
            raise StoreError(f"store dtype {self.dtype!r} is none of {', '.join(DTYPES)}")
        for field in ("rows", "positions", "rows_per_shard", "chunk_rows", "chunk_columns"):
            if getattr(self, field) < 1:
                raise StoreError(f"a store needs {field} >= 1, got {getattr(self, field)}")
        if self.rows % self.positions:
            raise StoreError(
                f"{self.rows} rows are no whole examples of {self.positions} positions"
            )
        if self.rows_per_shard % self.chunk_rows:
            raise StoreError(
                f"rows_per_shard {self.rows_per_shard} is no multiple of chunk_rows {self.chunk_rows}"
            )
        if self.chunk_rows * self.chunk_columns > MAX_CHUNK_VALUES:
            raise StoreError(
                f"a chunk of {self.chunk_rows} x {self.chunk_columns} values is too large: "
                f"at most {MAX_CHUNK_VALUES}"
            )
        if self.kept and self.kept.form == "top-k" and self.dtype != "float32":
            raise StoreError(
                f"a store of the top-k scores cannot be {self.dtype}: its prototypes are whole numbers "
                "that only float32 has all of"
            )
        names = [array.name.casefold() for array in self.arrays]
        if not names or len(set(names)) < len(names):
            raise StoreError(f"a store needs arrays with different names, got {names}")

    @property
    def n_shards(self) -> int:
        """Shards of the complete store; the last may be shorter than `rows_per_shard`."""
        return -(-self.rows // self.rows_per_shard)

    def shard_rows(self, shard: int) -> int:
        """Rows of shard `shard`."""
        return min(self.rows_per_shard, self.rows - shard * self.rows_per_shard)
