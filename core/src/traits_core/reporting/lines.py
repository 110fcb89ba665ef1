"""mAP over the number of train examples, a line per number of prototypes, as places in percent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from traits_core.records import Table
from traits_core.reporting.axes import LinearAxis, Tick, linear_axis
from traits_core.reporting.headline import row_name
from traits_core.reporting.numbers import is_number, show

LABEL_DISTANCE = 6.0


@attrs.frozen
class Point:
    """One cell of the grid; `y` counts from the top."""

    x: float
    y: float
    title: str


@attrs.frozen(kw_only=True)
class Line:
    """The cells of one number of prototypes; the label stands at `label_y`, clear of the others.

    `strength` is 1 for the largest number of prototypes, and less for smaller ones.
    """

    points: tuple[Point, ...]
    label: str
    label_y: float
    style: str
    strength: float


@attrs.frozen(kw_only=True)
class LineChart:
    """Lines over a logarithmic axis of train examples; `chance` is the height of the prevalence."""

    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    chance: float


def grid_chart(grid: Table, method: str) -> LineChart | None:
    """Draw the table `grid` of a probe; None unless it has two numbers of train examples."""
    cells = [cell for cell in grid if is_number(cell.get("map")) and is_number(cell.get("n_train"))]
    sizes = sorted({cell["n_train"] for cell in cells})
    if len(sizes) < 2:
        return None
    y_axis = linear_axis(max(cell["map"] for cell in cells))
    decades = math.log(sizes[-1] / sizes[0])
    places = {size: round(100 * math.log(size / sizes[0]) / decades, 2) for size in sizes}
    total = max(cell["n_prototypes"] for cell in cells)
    # Of the nulls one line is enough to see what the method is above.
    shown = [c for c in cells if c["row"] == "method" or c["n_prototypes"] == total]
    keys = list(dict.fromkeys((cell["row"], cell["n_prototypes"]) for cell in shown))
    ours = [count for row, count in keys if row == "method"]
    lines = [
        Line(
            points=tuple(
                _point(cell, places, y_axis)
                for cell in sorted(shown, key=lambda cell: float(cell["n_train"]))
                if (cell["row"], cell["n_prototypes"]) == (row, count)
            ),
            label=f"{count:,}" if row == "method" else row_name(row, method),
            label_y=0.0,
            style="method" if row == "method" else "null",
            strength=(ours.index(count) + 1) / len(ours) if row == "method" else 1.0,
        )
        for row, count in keys
    ]
    return LineChart(
        lines=_labels_apart(lines),
        x_ticks=tuple(Tick(places[size], f"{size:,}") for size in sizes),
        y_ticks=tuple(Tick(round(100 - tick.at, 2), tick.text) for tick in y_axis.ticks),
        chance=round(100 - y_axis.place(cells[0]["prevalence"]), 2),
    )


def _point(cell: Mapping[str, Any], places: Mapping[int, float], axis: LinearAxis) -> Point:
    spread = cell.get("map_sd_draws")
    draws = f" \N{PLUS-MINUS SIGN} {show(spread)} over {cell['repeats']} draws" if spread else ""
    return Point(
        x=places[cell["n_train"]],
        y=round(100 - axis.place(cell["map"]), 2),
        title=f"{cell['n_prototypes']:,} prototypes, {cell['n_train']:,} train examples: "
        f"mAP {show(cell['map'])}{draws}",
    )


def _labels_apart(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Put each label at the end of its line, or as far below the one above as it needs to be read."""
    placed: list[Line] = []
    for line in sorted(lines, key=lambda line: line.points[-1].y):
        lowest = placed[-1].label_y + LABEL_DISTANCE if placed else -math.inf
        placed.append(attrs.evolve(line, label_y=max(line.points[-1].y, lowest)))
    return tuple(placed)
