"""Bar charts of the headline and of single traits, as places in percent."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from traits_core.records import Table
from traits_core.reporting.axes import LinearAxis, Tick, linear_axis
from traits_core.reporting.headline import ScoredRow, row_name, scored_rows
from traits_core.reporting.numbers import show
from traits_core.reporting.ranking import TraitResult


@attrs.frozen(kw_only=True)
class Bar:
    """One bar; `mark` is a line across it (prevalence), `dot` another scorer's value."""

    label: str
    detail: str
    value: str
    width: float
    style: str
    whisker: tuple[float, float] | None = None
    mark: float | None = None
    dot: float | None = None


@attrs.frozen(kw_only=True)
class BarChart:
    """Horizontal bars over a common axis that starts at zero."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]


def headline_chart(headline: Table, method: str) -> BarChart | None:
    """mAP of each row with its interval, nulls first and the method last; None without any mAP."""
    rows = scored_rows(headline).values()
    if not rows:
        return None
    axis = linear_axis(max(max((row.map, *(row.interval or ()))) for row in rows))
    return BarChart(bars=tuple(_headline_bar(row, method, axis) for row in rows), ticks=axis.ticks)


def _headline_bar(row: ScoredRow, method: str, axis: LinearAxis) -> Bar:
    is_method = row.row == "method"
    name = row_name(row.row, method)
    low, high = row.interval or (None, None)
    return Bar(
        label=name if is_method else name[:1].upper() + name[1:],
        detail=f"95% interval {show(low)} to {show(high)}" if row.interval else "",
        value=show(row.map),
        width=axis.place(row.map),
        style="method" if is_method else "null",
        whisker=(axis.place(row.interval[0]), axis.place(row.interval[1]))
        if row.interval
        else None,
    )


def trait_chart(results: Sequence[TraitResult], null: str) -> BarChart:
    """AP of each trait, with a mark at its prevalence and a dot at its AP by `null`."""
    axis = linear_axis(
        max(max(result.ap, result.prevalence, result.null_ap.get(null, 0.0)) for result in results)
    )
    bars = tuple(
        Bar(
            label=result.name,
            detail=result.group,
            value=show(result.ap),
            width=axis.place(result.ap),
            style="method" if result.lift > 0 else "below",
            mark=axis.place(result.prevalence),
            dot=axis.place(result.null_ap[null]) if null in result.null_ap else None,
        )
        for result in results
    )
    return BarChart(bars=bars, ticks=axis.ticks)
