"""One committed shard: its rows, the files that hold them, and what their values are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import attrs
import numpy as np
import torch
from torch import Tensor

from traits_core.stores.files import StoredFile

CREATION: Final = -1
"""The number of the shard without rows: the files that the format needs beside shards."""

_BITS: Final = {2: (torch.int16, np.uint16), 4: (torch.int32, np.uint32)}


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
    """Count and measure the values of one array of a shard: a float tensor on the CPU.

    Floats of one sign are ordered as their bits are, and bits are compared at the memory's speed.
    """
    if not tensor.numel():
        return ArrayStats(n_nan=0, n_inf=0, min=0.0, max=0.0, absmax=0.0)
    signed, unsigned = _BITS[tensor.itemsize]
    bits = tensor.view(signed).numpy()
    top, bottom, largest = int(bits.max()), int(bits.min()), int(bits.view(unsigned).max())
    sign = 1 << (8 * tensor.itemsize - 1)
    infinity = int(torch.tensor(math.inf, dtype=tensor.dtype).view(signed))
    if top >= infinity or largest >= sign + infinity:
        finite = measure(tensor[tensor.isfinite()])
        n_nan, n_inf = int(tensor.isnan().sum()), int(tensor.isinf().sum())
        return attrs.evolve(finite, n_nan=n_nan, n_inf=n_inf)
    # `bottom` is the least positive one or, where there are negative ones, the least of these in size.
    ends = [largest - 2 * sign if largest >= sign else bottom, top if top >= 0 else bottom]
    low, high = torch.tensor(ends, dtype=signed).view(tensor.dtype).tolist()
    return ArrayStats(n_nan=0, n_inf=0, min=low, max=high, absmax=max(abs(low), abs(high)))
