"""Runs every stage in this process, and kills it with SIGKILL at one exact instant.

Instants are counted in calls of `os.fsync`, the moments between which files change, and in calls of
the method's `update`; both from the beginning of a stage.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import torch

from traits_core.config.run_config import resolve_run
from traits_core.registry.loader import load_registry
from traits_core.stages.compose import run_all
from traits_core.stages.context import Context

SMALL = {
    "method": {"name": "kmeans", "n_clusters": 32, "max_epochs": 3},
    "dataset": {"name": "digits"},
    "storage": {"chunk_rows": 1000, "rows_per_shard": 2000},
    "run": {"batch_size": 512, "checkpoint_every": 10, "extract_batch": 37},
}


class Killer:
    """Follows the stages as a `Progress`, counts instants, and kills at the one it was told."""

    def __init__(self, stage: str, event: str, count: int) -> None:
        self.target = (stage, event, count)
        self.stage, self.counts = "", {}

    def say(self, text: str) -> None:
        if not text.startswith(" "):
            self.stage = text.partition(":")[0]

    @contextmanager
    def track(self, label, total, unit, done=0):
        yield lambda n: None

    def happened(self, event: str) -> None:
        key = (self.stage, event)
        self.counts[key] = self.counts.get(key, 0) + 1
        if (*key, self.counts[key]) == self.target:
            os.kill(os.getpid(), signal.SIGKILL)


def main(home: str, stage: str, event: str, count: str) -> None:
    torch.set_num_threads(1)
    killer = Killer(stage, event, int(count))
    fsync = os.fsync

    def counted_fsync(handle: int) -> None:
        killer.happened("fsync")
        fsync(handle)

    os.fsync = counted_fsync
    registry = load_registry()
    config = resolve_run(SMALL, registry)
    method = config.method.spec.load()
    update = method.update

    def counted_update(self, acts_bd):
        killer.happened("update")
        return update(self, acts_bd)

    method.update = counted_update
    context = Context(
        home=Path(home), registry=registry, device=torch.device("cpu"), progress=killer
    )
    run = run_all(config, context)
    print(json.dumps({"run": str(run.root), "counts": [[*k, n] for k, n in killer.counts.items()]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
