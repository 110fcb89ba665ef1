"""What some autoencoders do to each activation by itself before they encode it."""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor

EPSILON = 1e-5  # SAELens


class RowNorm(StrEnum):
    """How a row is normalised at run time: not at all, to mean 0 and deviation 1, to norm sqrt(D)."""

    NONE = "none"
    LAYER = "layer_norm"
    CONSTANT = "constant_norm_rescale"

    def apply(self, acts_bd: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the rows [B, D], and the scale and shift [B, 1] that lead back to their units."""
        if self is RowNorm.LAYER:
            std_b1, mean_b1 = torch.std_mean(acts_bd, dim=1, keepdim=True)
            return (acts_bd - mean_b1) / (std_b1 + EPSILON), std_b1, mean_b1
        zeros_b1 = acts_bd.new_zeros(len(acts_bd), 1)
        if self is RowNorm.CONSTANT:
            scale_b1 = acts_bd.norm(dim=1, keepdim=True) / acts_bd.shape[1] ** 0.5
            return acts_bd / scale_b1.clamp(min=torch.finfo(acts_bd.dtype).tiny), scale_b1, zeros_b1
        return acts_bd, zeros_b1 + 1, zeros_b1
