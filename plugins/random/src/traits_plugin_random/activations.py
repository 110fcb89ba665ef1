"""What random prototypes accept as activations."""

from __future__ import annotations

from torch import Tensor

from traits_core import DataError


def check_activations(acts_bd: Tensor, d_model: int) -> None:
    """Refuse anything but finite floating-point rows [B, `d_model`] with DataError."""
    shape = tuple(acts_bd.shape)
    if acts_bd.ndim != 2 or shape[1] != d_model:
        raise DataError(
            f"random prototypes want activations of shape (rows, {d_model}), got {shape}: "
            "use the layer they were made for"
        )
    if not acts_bd.is_floating_point():
        raise DataError(
            f"random prototypes want floating-point activations, got {acts_bd.dtype} "
            f"of shape {shape}: convert them first"
        )
    if acts_bd.numel():
        low, high = acts_bd.aminmax()
        if not (low.isfinite() and high.isfinite()):
            raise DataError(
                f"activations of shape {shape} contain NaN or infinity: "
                "remove or extract these rows again"
            )
