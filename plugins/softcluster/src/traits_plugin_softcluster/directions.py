"""What soft clustering accepts as activations, and how it makes directions of them."""

from __future__ import annotations

import torch
from torch import Tensor

from traits_core import DataError

LARGEST = 1e30  # beyond it, norms leave the range of float32


def check_activations(acts_bd: Tensor, d_model: int) -> None:
    """Refuse anything but finite floating-point rows [B, `d_model`] with DataError."""
    shape = tuple(acts_bd.shape)
    if acts_bd.ndim != 2 or shape[1] != d_model:
        raise DataError(
            f"soft clustering wants activations of shape (rows, {d_model}), got {shape}: "
            "use the layer it was trained on"
        )
    if not acts_bd.is_floating_point():
        raise DataError(
            f"soft clustering wants floating-point activations, got {acts_bd.dtype} of shape "
            f"{shape}: convert them first"
        )
    if acts_bd.numel():
        low, high = acts_bd.aminmax()
        if not torch.maximum(-low, high) <= LARGEST:  # NaN compares false
            raise DataError(
                f"activations of shape {shape} contain NaN, infinity or values beyond {LARGEST:g}: "
                "remove or extract these rows again"
            )


def directions(acts_bd: Tensor, shift_d: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors of `acts_bd - shift_d`, float32 [B, D], and which rows have one, bool [B].

    A row that equals the shift has no direction: it becomes zeros. Subtracts in the wider of the
    two dtypes, and squares in float64, so that neither tiny nor huge rows are lost.
    """
    rows_bd = (acts_bd - shift_d).float()
    norms_b = torch.linalg.vector_norm(rows_bd, dim=1, dtype=torch.float64)
    directed_b = norms_b > 0
    divisors_b = torch.where(directed_b, norms_b, 1.0).float()
    return rows_bd.div_(divisors_b[:, None]), directed_b


def normalized(sums_kd: Tensor, otherwise_kd: Tensor) -> Tensor:
    """The float32 directions of float64 sums [K, D], and rows of `otherwise_kd` where they cancel."""
    norms_k = torch.linalg.vector_norm(sums_kd, dim=1, keepdim=True)
    unit_kd = (sums_kd / norms_k.clamp(min=torch.finfo(sums_kd.dtype).tiny)).float()
    return torch.where(norms_k > 0, unit_kd, otherwise_kd)
