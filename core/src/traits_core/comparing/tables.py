"""The JSON values of compared runs as tables, and the words around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from traits_core.comparing.run_facts import NULLS
from traits_core.config.sweep import label
from traits_core.records import Table


def tables(group: Mapping[str, Any]) -> dict[str, Table]:
    """The entries of `group_json` by title: what they reached, and what they cost."""
    entries = group["entries"]
    scores = [score_row(entry) for entry in entries]
    if not any(row["options"] for row in scores):
        scores = [{name: row[name] for name in row if name != "options"} for row in scores]
    return {"Scores": tuple(scores), "Costs": tuple(map(cost_row, entries))}


def score_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry of `group_json` reached, one cell a column."""
    shown: dict[str, Any] = {
        **{name: row[name] for name in ("method", "layer")},
        "K": row["n_prototypes"],
        "options": label(row["options"]) or None,
        "seed": _seeds(row["seeds"]),
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
    return {**shown, "run": _digests(row["digests"])}


def cost_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry of `group_json` cost, and what its scores keep, one cell a column."""
    peak, l0 = row["peak_bytes"], row["l0"]
    return {
        "run": _digests(row["digests"]),
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
    kind = "traits" if group["rows"] == "examples" else "classes"
    traits = "" if group["n_traits"] is None else f"{group['n_traits']} {kind} of "
    probe = ", ".join(filter(None, (group["probe"], label(group["probe_options"]))))
    return (
        f"{group['dataset']}: chosen on {group['train_split']}, measured on {group['test_split']} "
        f"({traits}{group['rows']}, labels {group['labels'][:12]}, probe {probe})"
    )


def no_ranking(differing: Sequence[str]) -> str:
    """Why the numbers of several groups are not ranked together."""
    return (
        f"These runs were not measured on the same (they differ in {', '.join(differing)}), so a number "
        "of one table is no better or worse than a number of another."
    )


def _seeds(seeds: Sequence[int]) -> str:
    """`0..2` or `0, 2, 5`, as `--seeds` takes them."""
    first, last = seeds[0], seeds[-1]
    in_turn = len(seeds) > 1 and list(seeds) == list(range(first, last + 1))
    return f"{first}..{last}" if in_turn else ", ".join(map(str, seeds))


def _digests(digests: Sequence[str]) -> str:
    return digests[0] if len(digests) == 1 else f"{digests[0]} +{len(digests) - 1}"


def _rounded(speed: float | None) -> str | None:
    return None if speed is None else f"{speed:,.0f}"


def _interval(row: Mapping[str, Any], name: str) -> str | None:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return None if low is None else f"{low:.4f} to {high:.4f}"


def _spread(row: Mapping[str, Any]) -> str | None:
    sd = row["map_sd_seeds"]
    return None if sd is None else f"sd {sd:.4f}, {len(row['seeds'])} seeds"
