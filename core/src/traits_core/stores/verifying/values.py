"""The values of a shard against the statistics that its writer noted in the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
from torch import Tensor

from traits_core.errors import StoreError
from traits_core.registry.plugins import Registry
from traits_core.stores.commit import ArrayStats, Commit, measure
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.reader import Store
from traits_core.stores.verifying.findings import Finding, Severity
from traits_core.stores.verifying.manifest import MEND, Record


def open_partly(root: Path, record: Record, registry: Registry) -> Store:
    """Open what is committed of a store that may be incomplete or damaged.

    Raises StoreError when its format cannot open it; ConfigError when its storage is not installed.
    """
    header = record.header
    spec = registry.get("storage", header.storage)
    try:
        reader = spec.load()(spec.config()).open(root, header)
    except (StoreError, OSError, ValueError, KeyError) as error:
        raise StoreError(f"{header.storage} cannot open it: {error}") from error
    return Store(root, header, record.manifest.shards, "", reader)


def value_findings(store: Store, commit: Commit) -> Iterator[Finding]:
    """Decode all rows of a shard; dtype, shape and statistics must be as committed.

    Memory: one chunk.
    """
    names = {array.name for array in store.header.arrays}
    if set(commit.arrays) != names:
        yield _damaged(commit, f"statistics of {sorted(commit.arrays)}, not of {sorted(names)}")
        return
    for array in store.header.arrays:
        try:
            found = _measured(store, array, commit)
        except StoreError as error:
            yield _damaged(commit, f"array {array.name!r}: {_reason(error)}")
            continue
        noted = commit.arrays[array.name]
        differences = [
            f"{name} is {value}, the manifest says {getattr(noted, name)}"
            for name, value in attrs.asdict(found).items()
            if value != getattr(noted, name)
        ]
        if differences:
            yield _damaged(commit, f"array {array.name!r}: {'; '.join(differences)}")


def _measured(store: Store, array: ArraySpec, commit: Commit) -> ArrayStats:
    """Measure a shard chunk by chunk; the extremes of a chunk without a finite value do not count."""
    parts = [(measure(x), x.numel()) for x in _chunks(store, array, commit)]
    finite = [stats for stats, n in parts if stats.n_nan + stats.n_inf < n]
    return ArrayStats(
        n_nan=sum(stats.n_nan for stats, _ in parts),
        n_inf=sum(stats.n_inf for stats, _ in parts),
        min=min((stats.min for stats in finite), default=0.0),
        max=max((stats.max for stats in finite), default=0.0),
        absmax=max((stats.absmax for stats in finite), default=0.0),
    )


def _chunks(store: Store, array: ArraySpec, commit: Commit) -> Iterator[Tensor]:
    header: StoreHeader = store.header
    stop = commit.row_start + commit.rows
    for row in range(commit.row_start, stop, header.chunk_rows):
        last_row = min(row + header.chunk_rows, stop)
        for column in range(0, array.columns, header.chunk_columns):
            last = min(column + header.chunk_columns, array.columns)
            yield store.read(array.name, row, last_row, slice(column, last))


def _reason(error: StoreError) -> str:
    """What the format said, without the advice for readers."""
    return str(error.__cause__ or error)


def _damaged(commit: Commit, what: str) -> Finding:
    return Finding(severity=Severity.DAMAGED, what=what, advice=MEND, shard=commit.shard)
