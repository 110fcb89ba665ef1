"""The tables of the page: which rows and columns are shown, in what order, and how cells are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from traits_core.records import Table
from traits_core.reporting.numbers import column_title, is_number, show

IDENTIFIERS = {"prototype"}
COMPARED_NULLS = ("gaussian", "activations")
TRAIT_COLUMNS = (
    *("trait", "group", "ap", "prevalence", "lift", *COMPARED_NULLS),
    *("ap_train", "n_positive", "n_positive_train", "prototype"),
)


@attrs.frozen
class Cell:
    """One cell; `number` is what it sorts by, None for text and for undefined values."""

    text: str
    number: float | None


@attrs.frozen
class Column:
    """The heading of a column; a numeric one has at least one number."""

    title: str
    numeric: bool


@attrs.frozen(kw_only=True)
class TableView:
    """A table as it is drawn; `n_rows` counts those that are not shown, too."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    n_rows: int


def table_view(table: Table, max_rows: int | None = None) -> TableView:
    """Write every cell of the first `max_rows` rows (None: of all); the keys of row 0 are the columns."""
    names = list(table[0]) if table else []
    rows = table[:max_rows]
    return TableView(
        columns=tuple(
            Column(column_title(name), any(is_number(row.get(name)) for row in rows))
            for name in names
        ),
        rows=tuple(tuple(_cell(name, row.get(name)) for name in names) for row in rows),
        n_rows=len(table),
    )


def _cell(column: str, value: Any) -> Cell:
    if not is_number(value):
        return Cell(show(value), None)
    return Cell(str(value) if column in IDENTIFIERS else show(value), value)


def headline_table(headline: Table, method: str) -> Table:
    """The headline as it is, with the name of the method in place of `method`."""
    return tuple({**row, "row": method} if row.get("row") == "method" else row for row in headline)


def other_table(table: Table, method: str) -> Table:
    """A further table of the probe: the rows of the method come first, for a long one is cut, under its name."""
    ours_first = sorted(table, key=lambda row: row.get("row") != "method")
    return headline_table(tuple(ours_first), method)


def trait_table(traits: Table) -> Table:
    """A row per trait of the method, best AP first and undefined last, with the AP of two nulls.

    A table that has no rows of the method is returned as it is.
    """
    ours = sorted((entry for entry in traits if entry.get("row") == "method"), key=_best_first)
    if not ours:
        return traits
    ap = {(entry.get("row"), entry.get("trait")): entry.get("ap") for entry in traits}
    nulls = {null for null, _ in ap} & set(COMPARED_NULLS)
    rows = [
        {**entry, **{null: ap.get((null, entry.get("trait"))) for null in nulls}} for entry in ours
    ]
    return _select(rows, [column for column in TRAIT_COLUMNS if column in rows[0]])


def _best_first(row: Mapping[str, Any]) -> float:
    ap = row.get("ap")
    return -ap if is_number(ap) else 1.0


def _select(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    return tuple({column: row.get(column) for column in columns} for row in rows)
