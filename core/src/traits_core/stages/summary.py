"""One row per run, read from its files alone: no plugin is needed to list runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from traits_core.errors import StageError
from traits_core.stages.rundir import find_runs, read_run_json
from traits_core.stages.status import read_status


def summarize_runs(home: Path) -> list[dict[str, Any]]:
    """Rows with run, method, dataset, the last complete stage, mAP (None before the probe), created."""
    return [_summary(root) for root in find_runs(home)]


def _summary(root: Path) -> dict[str, Any]:
    row = dict.fromkeys(("method", "dataset", "stage", "map", "created"))
    try:
        facts = read_run_json(root)
        complete = [name for name, state in read_status(root).items() if state.output]
        return {
            "run": str(root),
            "method": facts["config"]["method"]["name"],
            "dataset": facts["config"]["dataset"]["name"],
            "stage": complete[-1] if complete else None,
            "map": _map(root),
            "created": facts["created"],
        }
    except (StageError, KeyError, TypeError) as error:
        return {"run": str(root), **row, "stage": f"unreadable: {error}"}


def _map(root: Path) -> float | None:
    try:
        headline = json.loads((root / "probe" / "results.json").read_text())["headline"]
        return next((row["map"] for row in headline if row["row"] == "method"), None)
    except (OSError, ValueError, KeyError):
        return None
