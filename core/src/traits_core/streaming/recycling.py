"""Memory that batches use in turn: fresh pages cost more than the rows that are copied into them."""

from __future__ import annotations

import weakref
from collections import deque
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Recycler:
    """Hands out float32 tensors [n, columns], n <= rows, in memory that nobody holds any more.

    A tensor is its caller's for as long as it, or any view of it, is alive: keeping batches is safe,
    and costs new memory for those behind them.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self._shape = (rows, columns)
        self._free: deque[NDArray[Any]] = deque()

    def empty(self, n: int) -> Tensor:
        """An uninitialised tensor [n, columns]."""
        try:
            memory = self._free.pop()
        except IndexError:
            memory = np.empty(self._shape, np.float32)
        rows_nd = memory[:n]  # the array that torch keeps alive with the tensor
        weakref.finalize(rows_nd, self._free.append, memory).atexit = False
        return torch.from_numpy(rows_nd)
