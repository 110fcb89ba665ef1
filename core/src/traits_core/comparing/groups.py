"""Runs beside each other: only those that were measured on the same are ranked."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from traits_core.comparing.run_facts import MeasuredOn, RunFacts
from traits_core.config.sweep import differences_of

SHOWN: Final = ("method.name", "run.layer", "run.seed")
"""Options that a table has columns for."""


@attrs.frozen
class Entry:
    """Runs that differ in nothing but the seed, in its order; a single one when they are not pooled."""

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
        Group(measured_on, _ranked([_entry(runs) for runs in families.values()]))
        for measured_on, families in groups.items()
    ]


def options_of_entries(group: Group) -> list[dict[str, Any]]:
    """What each entry has otherwise than another one, by `section.option`; without `SHOWN`."""
    found = differences_of([entry.runs[0].config for entry in group.entries])
    return [{name: one[name] for name in one if name not in SHOWN} for one in found]


def options_of_probes(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """What the probe of each group has otherwise than the same probe in another group."""
    on = _measured_on(groups)
    same = [[other.probe_options for other in on if other.probe == one.probe] for one in on]
    return [
        {
            f"probe.{name}": value
            for name, value in one.probe_options.items()
            if any(options.get(name) != value for options in others)
        }
        for one, others in zip(on, same, strict=True)
    ]


def what_differs(groups: Sequence[Group]) -> list[str]:
    """In what the groups are not measured on the same, in words."""
    on = _measured_on(groups)
    words: dict[str, list[Any]] = {
        "dataset": [one.dataset for one in on],
        "splits": [(one.train_split, one.test_split) for one in on],
        "labels": [one.labels for one in on],
        "examples or positions": [one.rows for one in on],
        "probe": [one.probe for one in on],
    }
    found = [word for word, values in words.items() if len(set(values)) > 1]
    found += ["options of the probe"] if any(options_of_probes(groups)) else []
    return found or (["number of traits"] if len(groups) > 1 else [])


def _measured_on(groups: Sequence[Group]) -> list[MeasuredOn]:
    return [group.measured_on for group in groups]


def mean_of(values: Iterable[float | None]) -> float | None:
    """The mean of what was recorded; None when nothing was."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _entry(runs: Sequence[RunFacts]) -> Entry:
    return Entry(tuple(sorted(runs, key=lambda run: run.seed)))


def _ranked(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: -entry.map))
