"""Means that forget: exponentially weighted, with a memory counted in points per centroid."""

from __future__ import annotations

import torch
from torch import Tensor


def move_means(
    means_kd: Tensor, weights_k: Tensor, sums_kd: Tensor, counts_k: Tensor, decay: float
) -> float:
    """Move means [K, D] towards the rows of one step, in place; `sums_kd` is overwritten.

    weight <- decay weight + count, and mean <- mean + (sum - count mean) / weight: the mean of all
    rows so far, each with the weight that decay has left it.

    Returns the learning rate, the mean of count / weight over clusters with rows.
    """
    weights_k.mul_(decay).add_(counts_k)
    sums_kd.addcmul_(counts_k[:, None].to(sums_kd.dtype), means_kd, value=-1)
    means_kd.add_(sums_kd.div_(weights_k.clamp(min=torch.finfo(weights_k.dtype).tiny)[:, None]))
    hit_k = counts_k > 0
    return float((counts_k[hit_k] / weights_k[hit_k]).mean()) if bool(hit_k.any()) else 0.0
