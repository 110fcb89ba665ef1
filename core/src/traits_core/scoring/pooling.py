"""How the scores of an example's positions become one score of the example."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def pool(scores_bk: Tensor, positions: int, pooling: str) -> Tensor:
    """Pool example-major scores [examples * positions, K] to [examples, K] by `max` or `mean`."""
    scores_epk = scores_bk.view(-1, positions, scores_bk.shape[1])
    return scores_epk.amax(1) if pooling == "max" else scores_epk.mean(1)
