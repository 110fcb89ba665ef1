"""How soft clustering makes directions of activations."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

LARGEST: Final = 1e30  # beyond it, norms leave the range of float32
SMALL_NORM: Final = 1e-15  # from here to the next, the squares of what matters are in range
LARGE_NORM: Final = 1e15


def directions(acts_bd: Tensor, shift_d: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors of `acts_bd - shift_d`, float32 [B, D], and which rows have one, bool [B].

    A row that equals the shift has no direction: it becomes zeros. Subtracts in the wider of the
    two dtypes; rows whose squares float32 cannot hold are measured in float64.
    """
    rows_bd = (acts_bd - shift_d).float()
    norms_b = torch.linalg.vector_norm(rows_bd, dim=1)
    extreme_b = ~((norms_b > SMALL_NORM) & (norms_b < LARGE_NORM))
    if extreme_b.any():
        exact_b = torch.linalg.vector_norm(rows_bd[extreme_b], dim=1, dtype=torch.float64)
        norms_b[extreme_b] = exact_b.float()
    directed_b = norms_b > 0
    return rows_bd.div_(torch.where(directed_b, norms_b, 1.0)[:, None]), directed_b


def normalized(sums_kd: Tensor, otherwise_kd: Tensor) -> Tensor:
    """The float32 directions of float64 sums [K, D], and rows of `otherwise_kd` where they cancel."""
    norms_k = torch.linalg.vector_norm(sums_kd, dim=1, keepdim=True)
    unit_kd = (sums_kd / norms_k.clamp(min=torch.finfo(sums_kd.dtype).tiny)).float()
    return torch.where(norms_k > 0, unit_kd, otherwise_kd)
