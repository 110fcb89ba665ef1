"""The result in plain words, computed from the numbers: no better than they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from traits_core.records import Table
from traits_core.reporting.headline import NULL_NAMES, ScoredRow, scored_rows
from traits_core.reporting.numbers import show, show_ratio
from traits_core.reporting.ranking import TraitResult

AGREE = 0.005

Side = Literal["better", "level", "worse"]


def side_of(method: ScoredRow, null: ScoredRow) -> Side:
    """Whether the method is better than a null.

    Level means: the null's mAP lies in the method's interval, or, without an interval, that the two
    agree to half a percent.
    """
    if method.interval is not None:
        low, high = method.interval
        level = low <= null.map <= high
    else:
        level = abs(method.map - null.map) <= AGREE * max(abs(method.map), abs(null.map))
    if level:
        return "level"
    return "better" if method.map > null.map else "worse"


def headline_sentences(headline: Table, method_name: str) -> tuple[str, ...]:
    """One to three sentences: what the method reaches, and where it is level with or below a null."""
    rows = scored_rows(headline)
    method = rows.get("method")
    if method is None:
        return ()
    phrases: dict[Side, list[str]] = {"better": [], "level": [], "worse": []}
    for name in NULL_NAMES:
        if name in rows:
            side = side_of(method, rows[name])
            phrases[side].append(_phrase(side, method, rows[name]))
    reach = f"{method_name} reaches a mean average precision of {show(method.map)}"
    sentences = [f"{reach}: {_join(phrases['better'])}." if phrases["better"] else f"{reach}."]
    if phrases["level"]:
        sentences.append(f"It is level with {_join(phrases['level'])}.")
    if phrases["worse"]:
        sentences.append(f"It does worse than {_join(phrases['worse'])}.")
    return tuple(sentences)


def _phrase(side: Side, method: ScoredRow, null: ScoredRow) -> str:
    name = NULL_NAMES[null.row]
    if side == "better" and null.map > 0:
        return f"{show_ratio(method.map / null.map)} times {name}"
    return f"{'more than ' if side == 'better' else ''}{name} ({show(null.map)})"


def traits_sentence(ranked: Sequence[TraitResult]) -> str:
    """How many traits lie above chance, and above each random null that the table has."""
    above = sum(result.lift > 0 for result in ranked)
    parts = [f"{above} of {len(ranked)} traits lie above chance"]
    for null in ("gaussian", "activations"):
        pairs = [(result.ap, result.null_ap[null]) for result in ranked if null in result.null_ap]
        if pairs:
            parts.append(f"{sum(ap > other for ap, other in pairs)} above {NULL_NAMES[null]}")
    return f"{_join(parts)}."


def _join(phrases: Sequence[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"
