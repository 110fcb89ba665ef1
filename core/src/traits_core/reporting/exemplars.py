"""Which examples stand for a prototype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def top_examples(scores_n: NDArray[np.floating[Any]], k: int) -> NDArray[np.intp]:
    """Indices of the `k` largest scores (all of them when there are fewer), highest first.

    Ties go to the lowest index; scores that are NaN come last.
    """
    return np.argsort(-scores_n, kind="stable")[:k]
