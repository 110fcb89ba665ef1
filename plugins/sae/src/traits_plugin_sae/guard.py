"""Stops training before a broken step changes the weights."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from traits_core import DataError

REMEMBERED: Final = 64


class SpikeGuard:
    """Remembers the last losses, and refuses one that is far above them or no number.

    Parameters
    ----------
    factor: how many times the median of the last 64 losses is too much
    """

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self.losses_m = torch.full((REMEMBERED,), torch.inf, dtype=torch.float64)

    def check(self, loss: float, step: int) -> None:
        """Remember the loss of a step, or raise DataError, which keeps the last good checkpoint."""
        remembered = step >= REMEMBERED
        median = float(self.losses_m.median()) if remembered else math.inf
        if not math.isfinite(loss) or (loss > self._factor * median and median > 0):
            raise DataError(
                f"the loss of step {step} is {loss:.4g}, the median of the last {REMEMBERED} is "
                f"{median:.4g}: lower learning_rate, look for outliers with `traits stats`, or raise "
                f"spike ({self._factor:g}) and go on from the last checkpoint"
            )
        self.losses_m[step % REMEMBERED] = loss

    def state(self) -> dict[str, Tensor]:
        """The live losses."""
        return {"guard.losses": self.losses_m}
