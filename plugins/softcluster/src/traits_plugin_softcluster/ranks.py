"""Places within groups of equal keys."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ranks_within(sorted_e: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each entry, from 0, among those equal to it in a sorted array."""
    return np.arange(len(sorted_e)) - np.searchsorted(sorted_e, sorted_e)
