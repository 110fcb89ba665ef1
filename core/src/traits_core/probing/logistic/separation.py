"""Which pairs one threshold separates, so that the likelihood has no maximum at a finite slope."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def separable(scores_na: NDArray[np.float32], labels_na: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell for each column whether no score of one side is above any of the other.

    Equal scores of both sides may meet at the threshold (quasi-complete separation: Albert and
    Anderson, 1984). Constant scores and classes are not separable. Nothing is approximated.
    """
    inf = np.float32(np.inf)
    low_yes_a = scores_na.min(axis=0, where=labels_na, initial=inf)
    high_yes_a = scores_na.max(axis=0, where=labels_na, initial=-inf)
    low_no_a = scores_na.min(axis=0, where=~labels_na, initial=inf)
    high_no_a = scores_na.max(axis=0, where=~labels_na, initial=-inf)
    apart_a = (high_no_a <= low_yes_a) | (high_yes_a <= low_no_a)
    varies_a = labels_na.any(axis=0) & ~labels_na.all(axis=0)
    varies_a &= scores_na.min(axis=0) < scores_na.max(axis=0)
    separable_a: NDArray[np.bool_] = apart_a & varies_a
    return separable_a
