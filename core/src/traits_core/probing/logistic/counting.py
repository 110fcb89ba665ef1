"""How scores are counted into bins."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from traits_core.probing.logistic.bins import Bins

TILE: Final = 32
"""Prototypes that are counted at a time: their bins stay in the cache."""

ROWS: Final = 2048
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
    shape = moments_mkq.shape[1:]
    size = shape[0] * shape[1]
    for power, weights_e in enumerate((None, units_e, units_e * units_e)):
        moments_mkq[power] += np.bincount(flat_e, weights_e, minlength=size).reshape(shape)
