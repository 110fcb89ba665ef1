"""Average precision from ranks, compiled by numba: some four times as fast as numpy.

Only imported where numba is installed (`traits-core[fast]`) and there is enough to do for the
seconds that compiling takes; the machine code is kept for the next process.
"""

from __future__ import annotations

import numpy as np
from numba import njit  # type: ignore[import-not-found,import-untyped,unused-ignore]  # optional
from numpy.typing import NDArray

from traits_core.probing.positives import Positives
from traits_core.probing.ranks import Sorted

SIGNATURE = (
    "void(intp[:, ::1], boolean[:, ::1], uint64[::1], uint32[::1], float64[::1], float64[:, ::1])"
)


def fill_compiled(ap_kt: NDArray[np.float64], ranked: Sorted, positives: Positives) -> None:
    """Write the AP of each prototype for each trait that has a positive into `ap_kt`."""
    _fill(
        ranked.order_kn,
        ranked.tied_kr,
        positives.starts_n,
        positives.traits_p,
        positives.counts_t.astype(np.float64),
        ap_kt,
    )


# Indices are unsigned, because signed ones are checked for being negative: that takes half the time.
@njit(SIGNATURE, nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # of numba
def _fill(
    order_kn: NDArray[np.intp],
    tied_kr: NDArray[np.bool_],
    starts_n: NDArray[np.uint64],
    traits_p: NDArray[np.uint32],
    counts_t: NDArray[np.float64],
    ap_kt: NDArray[np.float64],
) -> None:
    """From the highest score down: count hits, and add the precision at each to its trait."""
    one = np.uint64(1)
    n = np.uint64(order_kn.shape[1])
    hits_t = np.empty(len(counts_t))
    for k in range(len(order_kn)):
        order_n, tied_r, ap_t = order_kn[k], tied_kr[k], ap_kt[k]
        hits_t[:] = 0.0
        ap_t[:] = 0.0
        stop = n
        while stop > 0:
            start = stop - one
            while start > 0 and tied_r[start - one]:
                start -= one
            if start == 0:
                break  # the lowest scores: all other positives, see below
            weight = 1.0 / float(n - start)
            if stop - start == 1:
                example = np.uint64(order_n[start])
                for p in range(starts_n[example], starts_n[example + one]):
                    trait = np.uint64(traits_p[p])
                    hits = hits_t[trait] + 1.0
                    hits_t[trait] = hits
                    ap_t[trait] += hits * weight
            else:
                for r in range(start, stop):
                    example = np.uint64(order_n[r])
                    for p in range(starts_n[example], starts_n[example + one]):
                        hits_t[np.uint64(traits_p[p])] += 1.0
                for r in range(start, stop):
                    example = np.uint64(order_n[r])
                    for p in range(starts_n[example], starts_n[example + one]):
                        trait = np.uint64(traits_p[p])
                        ap_t[trait] += hits_t[trait] * weight
            stop = start
        for t in range(len(counts_t)):
            count = counts_t[t]
            if count > 0:
                rest = (count - hits_t[t]) / count
                ap_t[t] = ap_t[t] / count + rest * (count / float(n))
