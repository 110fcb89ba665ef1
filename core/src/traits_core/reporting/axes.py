"""Places on an axis, in percent of the plot: templates only draw what is computed here."""

from __future__ import annotations

import math

import attrs

LINEAR_TICKS = 5


@attrs.frozen
class Tick:
    """A place on an axis, in percent, and what is written there."""

    at: float
    text: str


@attrs.frozen
class LinearAxis:
    """An axis from 0 to a round number."""

    top: float
    ticks: tuple[Tick, ...]

    def place(self, value: float) -> float:
        """Percent of the axis at which `value` lies, cut to the axis."""
        return round(100 * min(max(value / self.top, 0.0), 1.0), 2)


def linear_axis(maximum: float) -> LinearAxis:
    """An axis up to the first round tick that is not below `maximum` (1 when that is not positive)."""
    maximum = maximum if maximum > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(maximum / LINEAR_TICKS))
    step = next(
        power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor * LINEAR_TICKS >= maximum
    )
    # A quotient that rounding left just above a whole number must not ask for one more tick.
    n_steps = math.ceil(maximum / step - 1e-9)
    ticks = tuple(Tick(round(100 * i / n_steps, 2), f"{step * i:g}") for i in range(n_steps + 1))
    return LinearAxis(step * n_steps, ticks)
