"""Tensors to stored arrays and back: bfloat16 is kept as the uint16 of its bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from traits_core.errors import StoreError

TORCH_DTYPES: Final[Mapping[str, torch.dtype]] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
NUMPY_DTYPES: Final[Mapping[str, np.dtype[Any]]] = {
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "bfloat16": np.dtype("<u2"),
}
FLOAT16_LIMIT: Final = 65504.0
"""The largest float16: a value there may have been clipped already, so it is refused as well."""
_ADVICE: Final = {
    "float32": ", the widest dtype of a store",
    "float16": ": use the dtype bfloat16 or float32",
    "bfloat16": ": use the dtype float32",
}


def encode(tensor: Tensor, dtype: str) -> NDArray[Any]:
    """Round `tensor` to the stored `dtype`; a bfloat16 tensor becomes uint16 without a copy.

    NaN and infinity pass: a writer refuses them by row, before.

    Raises StoreError when all values are finite and one is too large for `dtype`.
    """
    refuse_overflow(_absmax(tensor), dtype)
    return rounded(tensor.detach().cpu(), dtype)


def rounded(tensor: Tensor, dtype: str) -> NDArray[Any]:
    """The same of a tensor on the CPU, where values that are too large become infinite."""
    values = tensor.to(TORCH_DTYPES[dtype])
    return (values.view(torch.uint16) if dtype == "bfloat16" else values).numpy()


def decode(array: NDArray[Any], dtype: str) -> Tensor:
    """Turn a stored array back into a tensor of the stored float dtype, sharing its memory."""
    tensor = torch.from_numpy(array)
    return tensor.view(torch.bfloat16) if dtype == "bfloat16" else tensor


def refuse_overflow(largest: float, dtype: str) -> None:
    """Raise StoreError when a finite magnitude is too large for the stored `dtype`."""
    limit = torch.finfo(TORCH_DTYPES[dtype]).max
    fits = largest < FLOAT16_LIMIT if dtype == "float16" else largest <= limit
    if not fits and math.isfinite(largest):
        raise StoreError(f"magnitude {largest:g} is too large for {dtype}{_ADVICE[dtype]}")


def _absmax(tensor: Tensor) -> float:
    """The largest magnitude in `tensor`; NaN when there is one, 0 when it is empty."""
    if not tensor.numel():
        return 0.0
    low, high = torch.aminmax(tensor.detach())
    return max(abs(float(low)), abs(float(high)))
