"""How rows are cut into chunks and shards: whole examples, and a bounded shard in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from traits_core.stores.header import ArraySpec, Layout

SCORE_COLUMNS: Final = 512
"""Most columns of a chunk of scores: a probe reads all rows of a block of prototypes."""
MAX_SHARD_BYTES: Final = 64 * 2**20
"""A writer keeps a few in memory, see `StoreWriter`: one is written while the next ones are filled."""


def plan_layout(
    kind: str,
    rows: int,
    positions: int,
    arrays: Sequence[ArraySpec],
    *,
    chunk_rows: int,
    rows_per_shard: int,
) -> Layout:
    """Chunks of about `chunk_rows` rows and whole examples; shards of at most 64 MiB.

    Chunks of activations hold whole rows, chunks of scores equal blocks of up to 512 prototypes.
    """
    row_bytes = 4 * sum(array.columns for array in arrays)
    budget = max(1, MAX_SHARD_BYTES // row_bytes)
    chunk_rows = min(chunk_rows, rows, budget)
    if chunk_rows >= positions:
        chunk_rows -= chunk_rows % positions
    chunks = max(1, min(rows_per_shard, budget) // chunk_rows)
    widest = max(array.columns for array in arrays)
    blocks = 1 if kind == "activations" else -(-widest // SCORE_COLUMNS)
    return Layout(
        rows_per_shard=chunks * chunk_rows,
        chunk_rows=chunk_rows,
        chunk_columns=-(-widest // blocks),
    )
