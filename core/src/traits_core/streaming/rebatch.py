"""Pieces of any length in, float32 batches of one length out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor


def rebatched(pieces: Iterable[Tensor], batch_size: int) -> Iterator[Tensor]:
    """Cut the concatenation of `pieces` [n, D] into float32 batches [batch_size, D]; the last may be short.

    Holds one piece and one batch.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    held: list[Tensor] = []
    n_held = 0
    for piece in pieces:
        start = 0
        while start < len(piece):
            part = piece[start : start + batch_size - n_held]
            held.append(part.float())
            n_held += len(part)
            start += len(part)
            if n_held == batch_size:
                yield held[0] if len(held) == 1 else torch.cat(held)
                held, n_held = [], 0
    if held:
        yield torch.cat(held)
