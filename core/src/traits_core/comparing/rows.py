"""Groups of runs as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from traits_core.comparing.groups import (
    Entry,
    Group,
    mean_of,
    options_of_entries,
    options_of_probes,
    what_differs,
)
from traits_core.comparing.run_facts import NULLS


def comparison_json(
    groups: Sequence[Group], further: Sequence[Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """All groups, and in what they differ; `further` is added to the entries of each."""
    probes = options_of_probes(groups)
    return {
        "comparable": len(groups) < 2,
        "differing": what_differs(groups),
        "groups": [group_json(*of) for of in zip(groups, probes, further, strict=True)],
    }


def group_json(
    group: Group, probe_options: Mapping[str, Any], further: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What was measured on, and a row per entry with everything that is known; `further` adds to each."""
    on = group.measured_on
    return {
        "dataset": on.dataset,
        "labels": on.labels,
        "train_split": on.train_split,
        "test_split": on.test_split,
        "rows": on.rows,
        "probe": on.probe,
        "probe_options": probe_options,
        "n_traits": on.n_traits,
        "entries": [
            {**entry_json(entry), "options": options, **more}
            for entry, options, more in zip(
                group.entries, options_of_entries(group), further, strict=True
            )
        ],
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    """Numbers of one run, or means over seeds; intervals are of single runs only."""
    first = entry.runs[0]
    low, high = (first.interval or (None, None)) if len(entry.runs) == 1 else (None, None)
    return {
        "method": first.method,
        "layer": first.layer,
        "n_prototypes": first.n_prototypes,
        "seeds": [run.seed for run in entry.runs],
        "map": entry.map,
        "map_sd_seeds": entry.map_sd_seeds,
        "map_ci95_low": low,
        "map_ci95_high": high,
        "lift": mean_of(run.lift for run in entry.runs),
        **{null: mean_of(run.nulls.get(null) for run in entry.runs) for null in NULLS},
        "training_seconds": mean_of(run.seconds for run in entry.runs),
        "epochs": mean_of(run.epochs for run in entry.runs),
        "rows_per_second": mean_of(run.rows_per_second for run in entry.runs),
        "peak_bytes": mean_of(run.peak_bytes for run in entry.runs),
        "scored_per_second": mean_of(run.scored_per_second for run in entry.runs),
        "explained_variance": mean_of(run.explained_variance for run in entry.runs),
        "l0": mean_of(run.l0 for run in entry.runs),
        "silhouette": mean_of(run.silhouette for run in entry.runs),
        "davies_bouldin": mean_of(run.davies_bouldin for run in entry.runs),
        "digests": [run.digest for run in entry.runs],
        "runs": [str(run.root) for run in entry.runs],
    }
