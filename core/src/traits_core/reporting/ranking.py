"""Traits of a probe's table in the order of how well they are found, and their groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import attrs

from traits_core.records import Table
from traits_core.reporting.numbers import is_number


@attrs.frozen(kw_only=True)
class TraitResult:
    """How well the chosen prototype of a trait finds it, on the test split.

    Parameters
    ----------
    prevalence: share of test examples that have the trait, which is the AP of a constant score
    lift: (ap - prevalence) / (1 - prevalence): 0 is chance, 1 is perfect
    n_positive: test examples that have the trait; `prototype`: the chosen one; None when the table
        does not say
    null_ap: AP of the same trait by the other rows of the table, e.g. `gaussian`
    """

    trait: str
    group: str
    ap: float
    prevalence: float
    lift: float
    n_positive: int | None
    prototype: int | None
    null_ap: Mapping[str, float]

    @property
    def name(self) -> str:
        """The trait without its group, for places that show the group beside it."""
        return short_name(self.trait, self.group)


def rank_traits(table: Table, row: str = "method") -> tuple[TraitResult, ...]:
    """Traits of `row`, largest lift first, ties in the table's order.

    Traits whose AP, prevalence or lift is undefined are left out; empty when there are no such columns.
    """
    null_ap: dict[str, dict[str, float]] = {}
    for entry in table:
        if entry.get("row") != row and is_number(entry.get("ap")):
            null_ap.setdefault(str(entry.get("trait")), {})[str(entry.get("row"))] = entry["ap"]
    results = [
        _result(entry, null_ap.get(str(entry.get("trait")), {}))
        for entry in table
        if entry.get("row") == row
        and all(is_number(entry.get(column)) for column in ("ap", "prevalence", "lift"))
    ]
    return tuple(sorted(results, key=lambda result: -result.lift))


def short_name(trait: str, group: str) -> str:
    """`has_wing_shape::long` of group `has_wing_shape` is `long`; other names stay as they are."""
    return trait.removeprefix(f"{group}::") or trait


def _result(entry: Mapping[str, Any], null_ap: Mapping[str, float]) -> TraitResult:
    return TraitResult(
        trait=str(entry.get("trait")),
        group=str(entry.get("group") or ""),
        ap=entry["ap"],
        prevalence=entry["prevalence"],
        lift=entry["lift"],
        n_positive=entry.get("n_positive"),
        prototype=entry.get("prototype"),
        null_ap=null_ap,
    )


def best_and_worst(
    ranked: Sequence[TraitResult], n: int
) -> tuple[tuple[TraitResult, ...], tuple[TraitResult, ...]]:
    """The first `n`, and the last `n` worst first; at most half of the traits each, rounded up for best."""
    n_best = min(n, (len(ranked) + 1) // 2)
    n_worst = min(n, len(ranked) - n_best)
    return tuple(ranked[:n_best]), tuple(reversed(ranked[len(ranked) - n_worst :]))


def group_table(ranked: Sequence[TraitResult]) -> Table:
    """A row per group, best mAP first: group, n_traits, map, lift (mean), best, worst."""
    groups: dict[str, list[TraitResult]] = {}
    for result in ranked:
        groups.setdefault(result.group, []).append(result)
    rows = [
        {
            "group": name,
            "n_traits": len(members),
            "map": _mean([member.ap for member in members]),
            "lift": _mean([member.lift for member in members]),
            "best": members[0].name,
            "worst": members[-1].name,
        }
        for name, members in groups.items()
    ]
    return tuple(sorted(rows, key=itemgetter("map"), reverse=True))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
