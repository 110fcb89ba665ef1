"""Runs every stage in this process, and sends it a signal at one exact instant.

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

import attrs
import torch
import typer

from traits_core.cli.shared import context
from traits_core.config.run_config import resolve_run
from traits_core.registry.loader import load_registry
from traits_core.stages.compose import run_all

SMALL = {
    "method": {"name": "kmeans", "n_clusters": 32, "max_epochs": 3},
    "dataset": {"name": "digits"},
    "storage": {"chunk_rows": 1000, "rows_per_shard": 2000},
    "run": {"batch_size": 512, "checkpoint_every": 10, "extract_batch": 37},
}


class Sender:
    """Follows the stages as a `Progress`, counts instants, and sends signals at the one it was told."""

    def __init__(self, signals: list[str], stage: str, event: str, count: int) -> None:
        self.signals = [signal.Signals[name] for name in signals]
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
            for number in self.signals:
                os.kill(os.getpid(), number)


def main(home: str, stage: str, event: str, count: str, *signals: str) -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started us without
    sender = Sender(signals or ["SIGKILL"], stage, event, int(count))
    fsync = os.fsync

    def counted_fsync(handle: int) -> None:
        sender.happened("fsync")
        fsync(handle)

    os.fsync = counted_fsync
    registry = load_registry()
    config = resolve_run(SMALL, registry)
    method = config.method.spec.load()
    update = method.update

    def counted_update(self, acts_bd):
        sender.happened("update")
        return update(self, acts_bd)

    method.update = counted_update
    with context(Path(home), "cpu", registry) as surroundings:
        run = run_all(config, attrs.evolve(surroundings, progress=sender))
    print(json.dumps({"run": str(run.root), "counts": [[*k, n] for k, n in sender.counts.items()]}))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except typer.Exit as stopped:
        sys.exit(stopped.exit_code)
