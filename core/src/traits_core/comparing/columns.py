"""Columns that need more than results: where they cannot be known they are left out, and it is said why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from traits_core.comparing.groups import Group
from traits_core.comparing.paired import differences_to_best
from traits_core.comparing.run_facts import RunFacts
from traits_core.comparing.stability import seed_stability
from traits_core.errors import StageError, TraitsError
from traits_core.registry.plugins import Registry
from traits_core.scoring.saved import read_facts
from traits_core.stores.reader import open_store


@attrs.frozen(kw_only=True)
class Columns:
    """What a flag adds to the rows of a group.

    Parameters
    ----------
    flag: that asks for them
    place: what is read of a run
    opens: checks that; raises TraitsError when it is missing or damaged
    measure: one mapping for each entry of a group; raises TraitsError where they cannot be known
    applies: whether a group has what is compared
    nothing: what is told when no group has
    """

    flag: str
    place: Callable[[RunFacts], Path]
    opens: Callable[[Path, Registry], object]
    measure: Callable[[Group, Registry], list[dict[str, Any]]]
    applies: Callable[[Group], bool]
    nothing: str

    def check(self, run: RunFacts, registry: Registry) -> None:
        """Raise StageError when a run lacks what is read of it."""
        place = self.place(run)
        try:
            self.opens(place, registry)
        except TraitsError as error:
            raise StageError(
                f"{error}: compare without {self.flag}, or remove {place} and "
                f"`traits run --config {run.root / 'run.json'}` makes it again"
            ) from error


def add_columns(
    columns: Columns,
    rows: Sequence[Sequence[dict[str, Any]]],
    groups: Sequence[Group],
    registry: Registry,
    all_or_none: bool,
) -> list[str]:
    """Add to the rows of each group what is asked for, and return a line for what is left out.

    Raises StageError when it cannot be known of any group; with `all_or_none`, of one.
    """
    refused: list[str] = []
    asked = [index for index, group in enumerate(groups) if columns.applies(group)]
    for index in asked:
        try:
            found = columns.measure(groups[index], registry)
        except TraitsError as error:
            refused.append(str(error))
            continue
        for row, more in zip(rows[index], found, strict=True):
            row.update(more)
    if refused and (all_or_none or len(refused) == len(asked)):
        raise StageError("\n".join(f"{why}: compare without {columns.flag}" for why in refused))
    notes = [f"{columns.flag} is left out of a table: {why}" for why in refused]
    return notes if asked else [f"{columns.flag}: {columns.nothing}"]


def _paired(group: Group, registry: Registry) -> list[dict[str, Any]]:
    found = differences_to_best(group, registry)
    names = ("behind", "behind_ci95_low", "behind_ci95_high")
    return [dict(zip(names, (one.value, *one.interval), strict=True)) for one in found]


def _stability(group: Group, registry: Registry) -> list[dict[str, Any]]:
    found = [seed_stability(entry, registry) for entry in group.entries]
    return [
        {
            "matched_cosine": one and one.cosine,
            "matched_share": one and one.stable,
            "matched_cosine_random": one and one.cosine_random,
        }
        for one in found
    ]


PAIRED: Final = Columns(
    flag="--paired",
    place=lambda run: run.root / "scores" / run.measured_on.test_split,
    opens=open_store,
    measure=_paired,
    applies=lambda group: len(group.entries) > 1,
    nothing="no table has two rows, so there is nothing to pair",
)

STABILITY: Final = Columns(
    flag="--stability",
    place=lambda run: run.root / "scorer",
    opens=lambda place, registry: read_facts(place),
    measure=_stability,
    applies=lambda group: any(len(entry.runs) > 1 for entry in group.entries),
    nothing="no runs differ in the seed alone, so there is nothing to match; "
    "`traits run --seeds 0..2` makes such runs",
)
