"""A random sample of rows by reading whole chunks, and not too many of them."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from traits_core.errors import DataError
from traits_core.stores.reader import Store

MAX_CHUNKS: Final = 256
"""Chunks that a sample is drawn from, unless it needs more of them to be full."""


def sample_rows(store: Store, array: str, n: int, seed: int) -> Tensor:
    """Draw distinct rows at random: float32 [min(n, rows), D] in random order, decided by `seed`.

    Up to 256 chunks the sample is uniform over all rows; from a larger store, it is uniform over
    the rows of max(256, n / chunk_rows + 1) random chunks. Memory: the sample and one chunk.

    Raises DataError when n < 1.
    """
    if n < 1:
        raise DataError(f"a sample of {n} rows was asked for: at least 1 is needed")
    header = store.header
    n = min(n, header.rows)
    size = header.chunk_rows
    n_chunks = -(-header.rows // size)
    generator = np.random.default_rng(seed)
    n_drawn = min(n_chunks, max(MAX_CHUNKS, -(-n // size) + 1))  # + 1: one may be the short last
    chunks = np.sort(generator.choice(n_chunks, n_drawn, replace=False, shuffle=False))
    starts = chunks * size
    ends = np.cumsum(np.minimum(size, header.rows - starts))  # of each chunk in the pool of rows
    picks = generator.choice(int(ends[-1]), n, replace=False)
    owner = np.searchsorted(ends, picks, side="right")
    sample_nd = torch.empty(n, store.array(array).columns)
    for chunk in np.unique(owner):
        places = np.flatnonzero(owner == chunk)
        rows = picks[places] - (ends[chunk - 1] if chunk else 0)
        first = int(starts[chunk])
        chunk_nd = store.read(array, first, min(first + size, header.rows))
        sample_nd[torch.from_numpy(places)] = chunk_nd[torch.from_numpy(rows)].float()
    return sample_nd
