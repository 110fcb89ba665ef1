"""How scores are counted into bins."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from traits_core.probing.logistic.bins import Bins

TILE: Final = 32
"""Prototypes that are counted at a time: their bins stay in the cache."""

ROWS: Final = 8192
"""Rows that are counted at a time."""


def count(moments_mkq: NDArray[np.float64], bins: Bins, scores_bk: NDArray[np.float32]) -> None:
    """Add finite scores [rows, prototypes] to moments [3, prototypes, bins] (see `Statistics`)."""
    for k in range(0, bins.n_prototypes, TILE):
        tile = slice(k, k + TILE)
        some = bins.some(tile)
        first_bin_k = np.arange(some.n_prototypes) * some.n_bins
        for start in range(0, len(scores_bk), ROWS):
            units_bk, bins_bk = some.assign(scores_bk[start : start + ROWS, tile])
            add(moments_mkq[:, tile], (bins_bk + first_bin_k).ravel(), units_bk.ravel())


def add(
    moments_mkq: NDArray[np.float64], flat_e: NDArray[np.intp], units_e: NDArray[np.float32]
) -> None:
    """Add scores, in units of their bins, to bins that are numbered through all prototypes."""
    # In place and without the interpreter lock, which numpy's bincount is not.
    count_i, first_i, second_i = (torch.from_numpy(each_kq).view(-1) for each_kq in moments_mkq)
    index_e, exact_e = torch.from_numpy(flat_e), units_e.astype(np.float64)
    weights_e = torch.from_numpy(exact_e)
    count_i.scatter_add_(0, index_e, torch.ones(1, dtype=torch.float64).expand(len(index_e)))
    first_i.scatter_add_(0, index_e, weights_e)
    np.square(exact_e, out=exact_e)
    second_i.scatter_add_(0, index_e, weights_e)
