"""Pieces of any length in, float32 batches of one length out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor

from traits_core.streaming.recycling import Recycler


def rebatched(
    pieces: Iterable[Tensor], shape: tuple[int, int], batch_size: int
) -> Iterator[Tensor]:
    """Cut the concatenation of `pieces` [n, D] into float32 batches [batch_size, D]; the last may be short.

    A piece is copied before the next is asked for: it may live in memory that is used again.
    Holds one piece and one batch.

    Parameters
    ----------
    pieces: of any float dtype
    shape: of their concatenation: rows and D
    batch_size: at least 1
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    left, columns = shape
    memory = Recycler(min(batch_size, left), columns)
    batch_bd, filled = memory.empty(0), 0
    for piece in pieces:
        taken = 0
        while taken < len(piece):
            if filled == len(batch_bd):
                batch_bd, filled = memory.empty(min(batch_size, left)), 0
            part = piece[taken : taken + len(batch_bd) - filled]
            batch_bd[filled : filled + len(part)] = part
            taken += len(part)
            filled += len(part)
            if filled == len(batch_bd):
                left -= filled
                yield batch_bd
