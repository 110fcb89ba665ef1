"""How fast weights move, and how much latents cost, at each step of a planned number of steps."""

from __future__ import annotations

import math
from typing import Final, Self

import attrs

from traits_plugin_sae.config import SaeConfig

LONG_RUN: Final = 20_000  # steps from which more do not call for a smaller rate
LARGEST_RATE: Final = 1e-2


def default_learning_rate(n_latents: int, steps: int) -> float:
    """2e-4 sqrt(2^14 / S) sqrt(max(1, 20000 / steps)), at most 0.01.

    The first two factors are Gao et al. 2024 (arXiv 2406.04093, section 3) as the library
    dictionary_learning has them, for runs of tens of thousands of steps. The last is ours, for shorter
    ones: of a planted dictionary 700 steps recover nearly all at 3e-3, and nothing at theirs.
    """
    long_run = 2e-4 * math.sqrt(2**14 / n_latents)
    return min(long_run * math.sqrt(max(1.0, LONG_RUN / steps)), LARGEST_RATE)


@attrs.frozen(kw_only=True)
class Schedule:
    """Factors by step, counted from 0.

    Parameters
    ----------
    learning_rate: the highest
    steps: how many are planned
    warm_up: fraction of them during which the rate rises from 0
    decay: fraction of them, the last, during which it falls to 0
    sparsity_warm_up: fraction of them during which the penalty on latents rises from 0
    dead_after: steps without a positive row from which a latent is dead
    resample_every: steps after which dead latents start again elsewhere; 0: never
    """

    learning_rate: float
    steps: int
    warm_up: float
    decay: float
    sparsity_warm_up: float
    dead_after: int
    resample_every: int

    @classmethod
    def of(cls, config: SaeConfig, n_latents: int, steps: int) -> Self:
        """What the options ask for with that many latents, when that many steps are planned.

        By default a latent is dead after 1 in 80 of the steps, from 8 to 1000, and dead ones start
        again every 1 in 20, from 25 on.
        """
        rate, dead, again = config.learning_rate, config.dead_after, config.resample_every
        return cls(
            learning_rate=default_learning_rate(n_latents, steps) if rate is None else rate,
            steps=steps,
            warm_up=config.warm_up,
            decay=config.decay,
            sparsity_warm_up=config.sparsity_warm_up,
            dead_after=min(max(steps // 80, 8), 1000) if dead is None else dead,
            resample_every=max(steps // 20, 25) if again is None else again,
        )

    def rate(self, step: int) -> float:
        """What the learning rate is multiplied by."""
        rising = (step + 1) / max(self.warm_up * self.steps, 1.0)
        falling = (self.steps - step) / max(self.decay * self.steps, 1.0)
        return max(min(rising, 1.0, falling), 0.0)

    def warmth(self, step: int) -> float:
        """What the penalty on latents is multiplied by."""
        return min((step + 1) / max(self.sparsity_warm_up * self.steps, 1.0), 1.0)
