"""What PCA accepts as activations, and how it centres them."""

from __future__ import annotations

import torch
from torch import Tensor

from traits_core import DataError

LARGEST = 1e15  # beyond it, sums of squares leave the range of float32


def check_activations(acts_bd: Tensor, d_model: int) -> None:
    """Refuse anything but finite floating-point rows [B, `d_model`] with DataError."""
    shape = tuple(acts_bd.shape)
    if acts_bd.ndim != 2 or shape[1] != d_model:
        raise DataError(
            f"PCA wants activations of shape (rows, {d_model}), got {shape}: "
            "use the layer it was trained on"
        )
    if not acts_bd.is_floating_point():
        raise DataError(
            f"PCA wants floating-point activations, got {acts_bd.dtype} of shape {shape}: "
            "convert them first"
        )
    if acts_bd.numel():
        low, high = acts_bd.aminmax()
        if not torch.maximum(-low, high) <= LARGEST:  # NaN compares false
            raise DataError(
                f"activations of shape {shape} contain NaN, infinity or values beyond {LARGEST:g}: "
                "remove or extract these rows again"
            )


def centred(acts_bd: Tensor, shift_d: Tensor) -> Tensor:
    """A new float32 tensor `acts_bd - shift_d`, subtracted in the wider of the two dtypes."""
    return (acts_bd - shift_d).float()
