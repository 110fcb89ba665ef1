"""A scorer on a sample of the test split, into the figures that runs are compared by beside their probes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import attrs

from traits_core.config.run_config import digest_of
from traits_core.durable import write_json
from traits_core.scoring.figures import figures
from traits_core.scoring.saved import load_scorer, read_facts
from traits_core.scoring.scored import faults_of
from traits_core.stages.context import Context
from traits_core.stages.rundir import RunDirectory
from traits_core.stages.status import Stage, perform
from traits_core.stores.reader import Store
from traits_core.streaming.sample import sample_rows

ROWS: Final = 16_384
"""Activations that are measured at most: means over them are known to about 1 %."""


def measure(run: RunDirectory, activations: Store, context: Context) -> None:
    """Write `figures.json`: how fast the run's scorer is, and what it keeps of activations."""
    seed, path = run.config.run.seed, figures_path(run.root)

    def work() -> None:
        scorer, _ = load_scorer(run.scorer, context.registry, context.device)
        acts_nd = sample_rows(activations, activations.header.arrays[0].name, ROWS, seed)
        with faults_of("method"):
            found = figures(scorer, acts_nd.to(context.device))
        facts = {"split": activations.header.split, "device": context.device.type}
        write_json(path, {**facts, **attrs.asdict(found)})

    perform(run.root, measure_stage(run, activations), work, context.progress)


def measure_stage(run: RunDirectory, activations: Store) -> Stage:
    """From activations and the run's scorer to its figures."""
    seed, path = run.config.run.seed, figures_path(run.root)
    return Stage(
        name="measure",
        fixed={"activations": activations.digest},
        inputs={"scorer": read_facts(run.scorer).digest, "settings": digest_of([seed, ROWS])},
        place=path,
        output=lambda: _digest(path),
    )


def figures_path(root: Path) -> Path:
    """Where the figures of the run at `root` are."""
    return root / "figures.json"


def read_figures(root: Path) -> dict[str, Any]:
    """The figures of the run at `root`; empty when there are none, or none that can be read."""
    try:
        found: Any = json.loads(figures_path(root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
