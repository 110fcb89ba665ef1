"""Which pairs one threshold separates, so that the likelihood has no maximum at a finite slope."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from traits_core.probing.logistic.bins import clip_infinite
from traits_core.probing.logistic.statistics import Statistics

SLACK: Final = 1e-4
"""Suspects are taken generously, for rounding of sums must not hide one: exact checks follow."""


def separable_pairs(
    statistics: Statistics, scores_nk: NDArray[np.float32], labels_nc: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell for each prototype and class whether no score of one side is above any of the other.

    Equal scores of both sides may meet at the threshold (quasi-complete separation: Albert and
    Anderson, 1984). Constant prototypes and classes are not separable. The rows must be those of
    the statistics.
    """
    separable_kc = np.zeros(statistics.sums_kc.shape, bool)
    for k, c in np.argwhere(suspects(statistics)):
        bins = statistics.bins
        scores_n = clip_infinite(scores_nk[:, k], bins.low_k[k], bins.high_k[k])
        with_n, without_n = scores_n[labels_nc[:, c]], scores_n[~labels_nc[:, c]]
        separable_kc[k, c] = without_n.max() <= with_n.min() or with_n.max() <= without_n.min()
    return separable_kc


def suspects(statistics: Statistics) -> NDArray[np.bool_]:
    """All separable pairs [prototypes, classes], and a few others, from sums alone.

    If the p rows of a class score highest, their sum is that of the p highest scores; if lowest,
    that of the lowest. Bins tell these sums within the scores of one bin, on the safe side.
    """
    bins = statistics.bins
    count_kq, first_kq, _ = statistics.complete_mkq()
    sum_kq = first_kq + count_kq * bins.middles()
    positives_c = statistics.positives_c.astype(np.float64)
    sums_kc = statistics.sums_kc - bins.centre_k[:, None] * positives_c
    sums_kc /= bins.scale_k[:, None]
    found_kc = np.zeros(sums_kc.shape, bool)
    for sign in (1, -1):
        # Interpolation takes an average score of the bin that is cut, and the extreme ones are beyond it.
        counts_kq = np.cumsum(count_kq[:, ::-sign], axis=1)
        totals_kq = np.cumsum(sum_kq[:, ::-sign], axis=1) * sign
        extreme_kc = np.stack(
            [
                np.interp(positives_c, np.append(0, counts_q), np.append(0, totals_q))
                for counts_q, totals_q in zip(counts_kq, totals_kq, strict=True)
            ]
        )
        slack_kc = SLACK * (np.abs(extreme_kc) + positives_c)
        found_kc |= sums_kc * sign >= extreme_kc - slack_kc
    varies_k = bins.high_k > bins.low_k
    varies_c = (positives_c > 0) & (positives_c < statistics.n_rows)
    return found_kc & varies_k[:, None] & varies_c
