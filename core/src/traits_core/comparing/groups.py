"""Runs beside each other: only those that were measured on the same are ranked."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import attrs

from traits_core.comparing.run_facts import MeasuredOn, RunFacts


@attrs.frozen
class Entry:
    """Runs that differ in nothing but the seed; a single one when they are not pooled."""

    runs: tuple[RunFacts, ...]

    @property
    def map(self) -> float:
        """Mean over the runs."""
        return statistics.fmean(run.map for run in self.runs)

    @property
    def map_sd_seeds(self) -> float | None:
        """Standard deviation of the mAP over seeds; None for a single run."""
        maps = [run.map for run in self.runs]
        return statistics.stdev(maps) if len(maps) > 1 else None


@attrs.frozen
class Group:
    """What was measured on the same examples, labels and splits, best mAP first."""

    measured_on: MeasuredOn
    entries: tuple[Entry, ...]


def grouped(runs: Iterable[RunFacts], pool_seeds: bool) -> list[Group]:
    """Group runs by what they were measured on, in the order of their first run, and rank each group."""
    groups: dict[MeasuredOn, dict[str, list[RunFacts]]] = {}
    for run in runs:
        families = groups.setdefault(run.measured_on, {})
        families.setdefault(run.family if pool_seeds else run.digest, []).append(run)
    return [
        Group(measured_on, _ranked([Entry(tuple(runs)) for runs in families.values()]))
        for measured_on, families in groups.items()
    ]


def mean_of(values: Iterable[float | None]) -> float | None:
    """The mean of what was recorded; None when nothing was."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _ranked(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: -entry.map))
