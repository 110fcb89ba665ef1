"""Sample weights: a row of weight 2 is the row twice, one of weight 0 is no row."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from traits_core import DataError


def weighed(acts_nd: Tensor, weights_n: Tensor | None) -> tuple[Tensor, Tensor]:
    """The rows [N, D] that have weight, and their weights, float64; without any, all weigh 1.

    Raises DataError unless there is one finite weight, 0 or more, for each row.
    """
    if weights_n is None:
        return acts_nd, torch.ones(len(acts_nd), dtype=torch.float64, device=acts_nd.device)
    if weights_n.shape != (len(acts_nd),):
        raise DataError(
            f"weights must have the shape ({len(acts_nd)},), one for each row, "
            f"got {tuple(weights_n.shape)}"
        )
    weights_n = weights_n.to(acts_nd.device, torch.float64)
    bad_n = ~(weights_n.isfinite() & (weights_n >= 0))
    if bool(bad_n.any()):
        raise DataError(
            f"weights must be finite and at least 0, got {float(weights_n[bad_n][0]):g}: "
            "give rows that should not count the weight 0"
        )
    has_weight_n = weights_n > 0
    return acts_nd[has_weight_n], weights_n[has_weight_n]


def tiles(acts_nd: Tensor, weights_n: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows [N, D] with their weights, `size` at a time."""
    return zip(torch.split(acts_nd, size), torch.split(weights_n, size), strict=True)
