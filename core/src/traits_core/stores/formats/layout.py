"""How rows of a foreign file are called chunks: it has none of its own, and streams ask for them."""

from __future__ import annotations

from typing import Final

from traits_core.stores.header import MAX_CHUNK_VALUES, Layout

CHUNK_ROWS: Final = 4096


def chunked(rows: int, positions: int, columns: int, chunk_rows: int = CHUNK_ROWS) -> Layout:
    """Chunks of about `chunk_rows` rows, of whole examples where one fits; each its own shard."""
    size = max(1, min(chunk_rows, rows, MAX_CHUNK_VALUES // columns))
    if size >= positions:
        size -= size % positions
    return Layout(rows_per_shard=size, chunk_rows=size, chunk_columns=columns)
