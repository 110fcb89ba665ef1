"""What training takes its batches from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from torch import Tensor


class BatchStream(Protocol):
    """Every training row once per epoch; the same batches for the same epoch."""

    @property
    def batches_per_epoch(self) -> int: ...

    def batches(self, epoch: int, start: int = 0) -> Iterator[Tensor]:
        """The float32 batches [B, D] of one epoch, from batch `start` on."""
