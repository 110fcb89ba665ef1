"""Which epochs are mini-batch epochs and which exact passes, and how long the memory of means is."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Final, Self

import attrs

from traits_core import Comm
from traits_plugin_kmeans.config import KMeansConfig

POINTS_PER_STEP: Final = 12  # rows per centroid at most, so that an epoch has many steps
STEPS_PER_EPOCH: Final = 8
LEAST_STEP: Final = 256


@attrs.frozen
class Plan:
    """Mini-batch epochs with a window that grows, then exact passes.

    Parameters
    ----------
    exact_from: the first epoch (from 0) that is an exact pass
    stop_at: the number of epochs in all
    first_window, window: points per centroid that means remember, in the first and the last
        mini-batch epoch
    """

    exact_from: int
    stop_at: int
    first_window: float
    window: float

    @classmethod
    def of(cls, config: KMeansConfig) -> Self:
        """The plan that the options ask for."""
        exact_from = max(config.max_epochs - config.exact_passes, 0)
        return cls(exact_from, config.max_epochs, config.first_window, config.window)

    def is_exact(self, epoch: int) -> bool:
        """Whether an epoch is an exact pass."""
        return epoch >= self.exact_from

    def window_of(self, epoch: int) -> float:
        """Points per centroid in a mini-batch epoch: geometric from `first_window` to `window`."""
        last = self.exact_from - 1
        fraction = min(epoch / last, 1.0) if last > 0 else 1.0
        return float(self.first_window * (self.window / self.first_window) ** fraction)

    def after(self, epoch: int, *, few_rows: bool, stalled: bool) -> Plan:
        """The plan after an epoch.

        When an epoch has fewer rows than the window, means would remember rows of many epochs ago:
        all further passes are exact, if any are to be. Stalled exact passes end.
        """
        if stalled:
            return attrs.evolve(self, stop_at=epoch + 1)
        if few_rows and self.exact_from < self.stop_at:
            return attrs.evolve(self, exact_from=min(epoch + 1, self.exact_from))
        return self


def step_rows(n_clusters: int, n_rows: int) -> int:
    """Rows of one mini-batch step at most, when an epoch has `n_rows` rows or more.

    Few enough for at least 8 steps per epoch, and for means that remember 12 points per centroid.
    """
    return max(1, min(n_rows // STEPS_PER_EPOCH, max(LEAST_STEP, POINTS_PER_STEP * n_clusters)))


def step_cuts(n_here: int, n_rows: int, n_steps: int, comm: Comm) -> list[int]:
    """Where the rows of a batch that are here are cut: a step has the rows that it has in one process.

    Of the `n_rows` of all processes, process r of n has r, r + n, ..., or one of them has all.
    """
    places = range(comm.rank, n_rows, comm.world_size)
    if n_here > len(places):
        places = range(n_rows)
    size, longer = divmod(n_rows, n_steps)
    ends = (step * size + min(step, longer) for step in range(1, n_steps))
    return [bisect_left(places, end) for end in ends]


def decay(n_rows: float, n_clusters: int, window: float) -> float:
    """The factor on what was learned before a step of `n_rows` rows: exp(-rows / (window K)).

    So the weight of a cluster of mean size tends to `window` points, whatever the size of a step.
    """
    return math.exp(-n_rows / (window * n_clusters))
