"""Mirrors a run to Weights & Biases; offline, its data lie below the run directory."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from traits_core.durable import write_text
from traits_core.errors import PluginError
from traits_core.records import Histogram
from traits_core.tracking.wandb_config import WandbConfig

if TYPE_CHECKING:
    import wandb


class WandbTracker:
    """One wandb run per run directory, however often that run is interrupted and resumed.

    Raises PluginError when wandb is not installed.
    """

    run: wandb.Run

    def __init__(self, config: WandbConfig) -> None:
        if config.mode == "offline":  # else it reports its start and end to its makers
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        try:
            import wandb
        except ImportError as error:
            raise PluginError(
                "--track wandb: wandb cannot be imported; "
                f"run `pip install 'traits-core[wandb]'` ({error})"
            ) from error
        self.wandb, self.config = wandb, config

    def start(self, run_directory: Path, name: str, config: Mapping[str, Any]) -> None:
        """Begin, or go on with, the wandb run of `run_directory`."""
        self.run = self.wandb.init(
            dir=run_directory,
            id=_run_id(run_directory / "wandb" / "id", name),
            resume="allow",
            name=name,
            config=dict(config),
            mode=self.config.mode,
            project=self.config.project,
            entity=self.config.entity,
            group=self.config.group,
            tags=self.config.tags,
            reinit="create_new",  # a run that a notebook has open is left alone
            settings=self.wandb.Settings(console="off", quiet=True),
        )

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add to the history; several calls for one step make one row."""
        self.run.log(dict(metrics), step=step)

    def log_histograms(self, step: int, histograms: Mapping[str, Histogram]) -> None:
        """Add to the row of the step."""
        shown = {}
        for name, value in histograms.items():
            edges = np.linspace(value.low, value.high, len(value.counts) + 1)
            shown[name] = self.wandb.Histogram(np_histogram=(np.array(value.counts), edges))
        self.run.log(shown, step=step)

    def summarize(self, metrics: Mapping[str, float]) -> None:
        """Set summary values, which wandb shows as columns of its table of runs."""
        self.run.summary.update(dict(metrics))

    def artifact(self, name: str, path: Path) -> None:
        """Log one file; wandb keeps its path, and reads it when it uploads."""
        artifact = self.wandb.Artifact(f"{name}-{self.run.id}", type=name)
        artifact.add_file(str(path.resolve()), policy="immutable", skip_cache=True)
        self.run.log_artifact(artifact)

    def finish(self, ok: bool) -> None:
        """Flush, and mark the run as finished or failed."""
        self.run.finish(exit_code=0 if ok else 1)


def _run_id(path: Path, name: str) -> str:
    """The id kept at `path`, made on first use: the name alone is that of the same run elsewhere."""
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        write_text(path, f"{name}-{secrets.token_hex(4)}")
    return path.read_text(encoding="utf-8")
