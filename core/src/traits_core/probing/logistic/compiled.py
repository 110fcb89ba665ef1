"""Counting into bins, compiled by numba: several times as fast as numpy, and threads run side by side.

Only imported where numba is installed (`traits-core[fast]`) and there is enough to do for the
seconds that compiling takes; the machine code is kept for the next process.
"""

from __future__ import annotations

import numpy as np
from numba import njit  # type: ignore[import-not-found,import-untyped,unused-ignore]  # optional
from numpy.typing import NDArray

from traits_core.probing.logistic.bins import BIAS, MANTISSA_BITS, OCTAVES, Bins
from traits_core.probing.logistic.counting import TILE

SIGNATURE = "void(float64[:, :, :], float32[:, :], float32[::1], float32[::1], int64)"


def count_compiled(
    moments_mkq: NDArray[np.float64], bins: Bins, scores_bk: NDArray[np.float32]
) -> None:
    """Add the scores, some prototypes at a time."""
    for k in range(0, bins.n_prototypes, TILE):
        tile = slice(k, k + TILE)
        some = bins.some(tile)
        _count(
            moments_mkq[:, tile], scores_bk[:, tile], 0 - some.centre_k, 1 / some.scale_k, bins.bits
        )


@njit(SIGNATURE, nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # of numba
def _count(
    moments_mkq: NDArray[np.float64],
    scores_bk: NDArray[np.float32],
    shift_k: NDArray[np.float32],
    per_scale_k: NDArray[np.float32],
    bits: int,
) -> None:
    """`Bins.assign` and a scatter, a row at a time."""
    n_prototypes = scores_bk.shape[1]
    half = OCTAVES << bits
    units_k = np.empty(n_prototypes, np.float32)
    magnitudes_k = np.empty(n_prototypes, np.float32)
    pieces_k = magnitudes_k.view(np.int32)
    for b in range(len(scores_bk)):
        for k in range(n_prototypes):
            unit = (scores_bk[b, k] + shift_k[k]) * per_scale_k[k]
            units_k[k] = unit
            magnitudes_k[k] = np.abs(unit) + np.float32(1)
        for k in range(n_prototypes):
            step = min((pieces_k[k] >> (MANTISSA_BITS - bits)) - (BIAS << bits), half - 1)
            unit = np.float64(units_k[k])
            q = half + step if unit >= 0 else half - 1 - step
            moments_mkq[0, k, q] += 1
            moments_mkq[1, k, q] += unit
            moments_mkq[2, k, q] += unit * unit
