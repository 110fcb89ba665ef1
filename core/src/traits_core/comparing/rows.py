"""A group of runs as rows of plain JSON values, and as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from traits_core.comparing.groups import Entry, Group, mean_of
from traits_core.comparing.run_facts import NULLS


def group_json(group: Group, further: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """What was measured on, and a row per entry with everything that is known; `further` adds to each."""
    on = group.measured_on
    return {
        "dataset": on.dataset,
        "labels": on.labels,
        "train_split": on.train_split,
        "test_split": on.test_split,
        "probe": on.probe,
        "n_traits": on.n_traits,
        "entries": [
            {**entry_json(entry), **(further[i] if further else {})}
            for i, entry in enumerate(group.entries)
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


def score_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry of `group_json` reached, one cell a column."""
    shown: dict[str, Any] = {
        **{name: row[name] for name in ("method", "layer")},
        "K": row["n_prototypes"],
        "seed": _some(row["seeds"]),
        "map": row["map"],
        "95%": _interval(row, "map_ci95") or _spread(row),
        "lift": row["lift"],
        **{name: row[name] for name in NULLS},
    }
    if "behind" in row:
        is_best = row["behind"] == 0
        shown |= {
            "vs best": None if is_best else row["behind"],
            "vs best 95%": None if is_best else _interval(row, "behind_ci95"),
        }
    if "matched_cosine" in row:
        shown |= {
            "matched": row["matched_cosine"],
            "matched >= 0.9": row["matched_share"],
            "matched random": row["matched_cosine_random"],
        }
    return {**shown, "run": _some(row["digests"])}


def cost_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry of `group_json` cost, and what its scores keep, one cell a column."""
    peak, l0 = row["peak_bytes"], row["l0"]
    return {
        "run": _some(row["digests"]),
        "training": None if row["training_seconds"] is None else f"{row['training_seconds']:.1f} s",
        "epochs": None if row["epochs"] is None else f"{row['epochs']:g}",
        "rows/s": _rounded(row["rows_per_second"]),
        "peak memory": None if peak is None else f"{peak / 2**20:,.0f} MiB",
        "scored/s": _rounded(row["scored_per_second"]),
        "expl. variance": row["explained_variance"],
        "L0": None if l0 is None else f"{l0:.1f}",
        "silhouette": row["silhouette"],
        "Davies-Bouldin": row["davies_bouldin"],
    }


def heading(group: Mapping[str, Any]) -> str:
    """What the runs of a group have in common."""
    traits = "" if group["n_traits"] is None else f"{group['n_traits']} traits, "
    return (
        f"{group['dataset']}: chosen on {group['train_split']}, measured on {group['test_split']} "
        f"({traits}labels {group['labels'][:12]}, probe {group['probe']})"
    )


def _some(values: Iterable[Any]) -> str:
    first, *others = map(str, values)
    return f"{first} +{len(others)}" if others else first


def _rounded(speed: float | None) -> str | None:
    return None if speed is None else f"{speed:,.0f}"


def _interval(row: Mapping[str, Any], name: str) -> str | None:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return None if low is None else f"{low:.4f} to {high:.4f}"


def _spread(row: Mapping[str, Any]) -> str | None:
    sd = row["map_sd_seeds"]
    return None if sd is None else f"sd {sd:.4f}, {len(row['seeds'])} seeds"
