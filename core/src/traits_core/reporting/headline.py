"""The rows of a probe's headline that have a mAP: which is a null, and what people call it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from traits_core.records import Table
from traits_core.reporting.numbers import is_number

NULL_NAMES = {
    "constant": "a constant score",
    "permuted": "permuted labels",
    "gaussian": "Gaussian directions",
    "activations": "random training activations",
}


@attrs.frozen
class ScoredRow:
    """One row of the headline; `interval` is the 95% interval of its mAP, where the table has one."""

    row: str
    map: float
    interval: tuple[float, float] | None


def scored_rows(headline: Table) -> dict[str, ScoredRow]:
    """Rows with a mAP by name, in the order to show them: the nulls, what else there is, the method."""
    rows = {str(row.get("row")): row for row in headline if is_number(row.get("map"))}
    order = [name for name in NULL_NAMES if name in rows]
    order += [name for name in rows if name not in NULL_NAMES and name != "method"]
    order += [name for name in rows if name == "method"]
    return {name: ScoredRow(name, rows[name]["map"], _interval(rows[name])) for name in order}


def _interval(row: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = row.get("map_ci95_low"), row.get("map_ci95_high")
    return (low, high) if is_number(low) and is_number(high) else None


def row_name(row: str, method: str) -> str:
    """What people call a row of the headline, in the middle of a sentence."""
    return method if row == "method" else NULL_NAMES.get(row, row)
