"""One committed shard: its rows, the files that hold them, and what their values are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import attrs
import torch
from torch import Tensor

from traits_core.stores.files import StoredFile

CREATION: Final = -1
"""The number of the shard without rows: the files that the format needs beside shards."""


@attrs.frozen(kw_only=True)
class ArrayStats:
    """What the values of one array are in one shard, as stored; the extremes are of finite values."""

    n_nan: int
    n_inf: int
    min: float
    max: float
    absmax: float


@attrs.frozen(kw_only=True)
class Commit:
    """One line of the manifest: the rows [row_start, row_start + rows), and the files that hold them."""

    shard: int
    row_start: int
    rows: int
    files: tuple[StoredFile, ...]
    arrays: Mapping[str, ArrayStats]
    check: str = ""


def measure(tensor: Tensor) -> ArrayStats:
    """Count and measure the values of one array of a shard."""
    low, high, n_nan, n_inf = *_range(tensor), 0, 0
    if not (math.isfinite(low) and math.isfinite(high)):  # counting is slow, and rarely needed
        n_nan, n_inf = int(tensor.isnan().sum()), int(tensor.isinf().sum())
        low, high = _range(tensor[tensor.isfinite()])
    return ArrayStats(n_nan=n_nan, n_inf=n_inf, min=low, max=high, absmax=max(abs(low), abs(high)))


def _range(tensor: Tensor) -> tuple[float, float]:
    if not tensor.numel():
        return 0.0, 0.0
    low, high = torch.aminmax(tensor)
    return float(low), float(high)
