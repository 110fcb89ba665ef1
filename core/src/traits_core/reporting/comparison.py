"""Runs beside each other as one HTML file: a chart and the tables of each group that can be ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from traits_core.config.sweep import label
from traits_core.records import Table
from traits_core.reporting.axes import LinearAxis, linear_axis
from traits_core.reporting.bars import Bar, BarChart
from traits_core.reporting.environment import render_template
from traits_core.reporting.numbers import is_number, show
from traits_core.reporting.tables import table_view

NULL = "activations"


@attrs.frozen(kw_only=True)
class ComparedGroup:
    """Runs that were measured on the same, best first.

    Parameters
    ----------
    heading: what they have in common
    entries: rows with `method`, `n_prototypes`, `options`, `map`, its interval, and the nulls
    tables: what the terminal shows, by title
    """

    heading: str
    entries: Sequence[Mapping[str, Any]]
    tables: Mapping[str, Table]


def render_comparison(groups: Sequence[ComparedGroup], lead: str) -> str:
    """The page as one string of HTML, `lead` first; all text is escaped."""
    return render_template(
        "compare.html.j2",
        lead=lead,
        groups=[
            {
                "heading": group.heading,
                "chart": comparison_chart(group.entries),
                "tables": {title: table_view(table) for title, table in group.tables.items()},
            }
            for group in groups
        ],
    )


def comparison_chart(entries: Sequence[Mapping[str, Any]]) -> BarChart:
    """mAP of each entry with its interval, a mark at chance, a dot at random training activations."""
    seen = ("map", "map_ci95_high", "constant", NULL)
    axis = linear_axis(max(row[key] for row in entries for key in seen if is_number(row.get(key))))
    return BarChart(bars=tuple(_bar(row, axis) for row in entries), ticks=axis.ticks)


def _bar(row: Mapping[str, Any], axis: LinearAxis) -> Bar:
    null, low, high = row.get(NULL), row.get("map_ci95_low"), row.get("map_ci95_high")
    constant = row.get("constant")
    seeds = len(row["seeds"])
    count = f"K = {show(row['n_prototypes'])}" if is_number(row["n_prototypes"]) else ""
    return Bar(
        label=" ".join(filter(None, (row["method"], count, label(row["options"])))),
        detail=f"mean of {seeds} seeds" if seeds > 1 else "",
        value=show(row["map"]),
        width=axis.place(row["map"]),
        style="below" if is_number(null) and row["map"] <= null else "method",
        whisker=(axis.place(low), axis.place(high)) if is_number(low) and is_number(high) else None,
        mark=axis.place(constant) if is_number(constant) else None,
        dot=axis.place(null) if is_number(null) else None,
    )
