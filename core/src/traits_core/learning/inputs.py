"""What methods and scorers accept as activations, and how they centre them."""

from __future__ import annotations

import torch
from torch import Tensor

from traits_core.errors import DataError


def check_activations(acts_bd: Tensor, d_model: int, largest: float = 1e15) -> None:
    """Refuse anything but finite floating-point rows [B, `d_model`] with DataError.

    Values beyond `largest` are refused too: by default those whose squares, summed up, leave the
    range of float32.
    """
    shape = tuple(acts_bd.shape)
    if acts_bd.ndim != 2 or shape[1] != d_model:
        raise DataError(
            f"activations must have the shape (rows, {d_model}), got {shape}: "
            "use the layer that was trained on"
        )
    if not acts_bd.is_floating_point():
        raise DataError(
            f"activations must be floating-point, got {acts_bd.dtype} of shape {shape}: "
            "convert them first"
        )
    if acts_bd.numel():
        low, high = acts_bd.aminmax()
        if not torch.maximum(-low, high) <= largest:  # NaN compares false
            raise DataError(
                f"activations of shape {shape} contain NaN, infinity or values beyond {largest:g}: "
                "remove or extract these rows again"
            )


def centred(acts_bd: Tensor, shift_d: Tensor) -> Tensor:
    """A new float32 tensor `acts_bd - shift_d`, subtracted in the wider of the two dtypes.

    Distances stay the same, and lose no digits when the mean is large against the spread.
    """
    return (acts_bd - shift_d).float()
