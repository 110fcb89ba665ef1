"""AP of each trait against its prevalence, as places in percent."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from traits_core.reporting.axes import Tick, linear_axis
from traits_core.reporting.numbers import show
from traits_core.reporting.ranking import TraitResult

LABELS = 5
LINE_POINTS = 41
NAMES_LEFT_FROM = 65
NAME_WIDTH, NAME_HEIGHT = 20, 3


@attrs.frozen(kw_only=True)
class Dot:
    """One trait; `label` is empty unless it is written beside the dot, to its `left` or right. `y` counts from the top."""

    x: float
    y: float
    title: str
    label: str
    left: bool
    below_chance: bool


@attrs.frozen(kw_only=True)
class Scatter:
    """Dots over a logarithmic axis of prevalence; `chance` is the line AP = prevalence."""

    dots: tuple[Dot, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    chance: tuple[tuple[float, float], ...]


def scatter(ranked: Sequence[TraitResult]) -> Scatter:
    """A dot per trait; the best few are labelled where their names do not run into each other."""
    rarest = min((result.prevalence for result in ranked if result.prevalence > 0), default=0.1)
    decades = max(1, math.ceil(-math.log10(rarest)))

    def place(prevalence: float, ap: float) -> tuple[float, float]:
        logarithm = math.log10(max(prevalence, 10.0**-decades))
        return round(100 * (1 + logarithm / decades), 2), round(100 * (1 - ap), 2)

    places = [place(result.prevalence, result.ap) for result in ranked]
    labelled = _labelled(places)
    dots = tuple(
        Dot(
            x=x,
            y=y,
            title=f"{result.trait}: AP {show(result.ap)}, prevalence {show(result.prevalence)}",
            label=result.name if i in labelled and result.lift > 0 else "",
            left=x > NAMES_LEFT_FROM,
            below_chance=result.lift <= 0,
        )
        for i, (result, (x, y)) in enumerate(zip(ranked, places, strict=True))
    )
    powers = [10.0**-power for power in range(decades, -1, -1)]
    line = [10 ** (-decades * i / (LINE_POINTS - 1)) for i in range(LINE_POINTS)]
    return Scatter(
        dots=dots,
        x_ticks=tuple(Tick(place(power, 0)[0], f"{power:g}") for power in powers),
        y_ticks=tuple(Tick(100 - tick.at, tick.text) for tick in linear_axis(1).ticks),
        chance=tuple(place(value, value) for value in line),
    )


def _labelled(places: Sequence[tuple[float, float]]) -> set[int]:
    """Indices of the first LABELS places that keep their distance, with no dot where the name goes."""
    chosen: list[int] = []
    for i, (x, y) in enumerate(places[: 4 * LABELS]):
        apart = all(abs(y - places[j][1]) > 5 or abs(x - places[j][0]) > 35 for j in chosen)
        if apart and not any(_is_beside(x, y, place) for place in places):
            chosen.append(i)
    return set(chosen[:LABELS])


def _is_beside(x: float, y: float, place: tuple[float, float]) -> bool:
    away = x - place[0] if x > NAMES_LEFT_FROM else place[0] - x
    return 0 < away < NAME_WIDTH and abs(y - place[1]) < NAME_HEIGHT
