"""One committed shard: its rows, the files that hold them, and what their values are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import attrs
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from traits_core.stores.files import StoredFile

CREATION: Final = -1
"""The number of the shard without rows: the files that the format needs beside shards."""

_PIECE: Final = 1 << 17
"""Values that stay in a core's cache while they are looked at three times."""
_BITS: Final[Mapping[int, tuple[torch.dtype, type[np.unsignedinteger[Any]]]]] = {
    2: (torch.int16, np.uint16),
    4: (torch.int32, np.uint32),
}


@attrs.frozen(kw_only=True)
class ArrayStats:
    """What the values of one array are in one shard, as stored; the extremes are of finite values."""

    n_nan: int
    n_inf: int
    min: float
    max: float
    absmax: float

    @classmethod
    def of_range(cls, low: float, high: float) -> ArrayStats:
        """Those of values that are all finite, the least and the largest of them given."""
        return cls(n_nan=0, n_inf=0, min=low, max=high, absmax=max(abs(low), abs(high)))

    def joined(self, other: ArrayStats) -> ArrayStats:
        """Those of both; each must have a finite value."""
        return ArrayStats(
            n_nan=self.n_nan + other.n_nan,
            n_inf=self.n_inf + other.n_inf,
            min=min(self.min, other.min),
            max=max(self.max, other.max),
            absmax=max(self.absmax, other.absmax),
        )


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
        return ArrayStats.of_range(0.0, 0.0)
    signed, unsigned = _BITS[tensor.itemsize]
    bits = tensor.view(signed).numpy()
    top, bottom, largest = _ends(bits, unsigned)
    sign = 1 << (8 * tensor.itemsize - 1)
    infinity = int(torch.tensor(math.inf, dtype=tensor.dtype).view(signed))
    if top >= infinity or largest >= sign + infinity:
        finite = measure(tensor[tensor.isfinite()])
        n_nan, n_inf = int(tensor.isnan().sum()), int(tensor.isinf().sum())
        return attrs.evolve(finite, n_nan=n_nan, n_inf=n_inf)
    # `bottom` is the least positive one or, where there are negative ones, the least of these in size.
    ends = [largest - 2 * sign if largest >= sign else bottom, top if top >= 0 else bottom]
    low, high = torch.tensor(ends, dtype=signed).view(tensor.dtype).tolist()
    return ArrayStats.of_range(low, high)


def _ends(bits: NDArray[Any], unsigned: type[np.unsignedinteger[Any]]) -> tuple[int, int, int]:
    """The largest, the least, and the largest as unsigned, of signed bits."""
    flat = np.ascontiguousarray(bits).reshape(-1)
    parts = [flat[first : first + _PIECE] for first in range(0, len(flat), _PIECE)]
    ends = [(part.max(), part.min(), part.view(unsigned).max()) for part in parts]
    tops, bottoms, largest = zip(*ends, strict=True)
    return int(max(tops)), int(min(bottoms)), int(max(largest))
