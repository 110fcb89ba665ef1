"""One of the processes that train every method in one pass; it may be sent a signal at one step."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch
import typer

from traits_core.cli.shared import context
from traits_core.config.run_config import resolve_run
from traits_core.registry.loader import load_registry
from traits_core.stages.compose import train_several

METHODS = {
    "kmeans": {"n_clusters": 12, "max_epochs": 4, "n_init": 1},
    "pca": {"n_components": 6},
    "random": {"n_prototypes": 8},
    "sae": {"n_latents": 32, "k": 4, "max_epochs": 2},
    "softcluster": {"n_clusters": 12, "max_epochs": 4},
}
SHARED = {
    "dataset": {"name": "digits"},
    "run": {"batch_size": 500, "checkpoint_every": 10},
}


def configs(registry):
    return [
        resolve_run({"method": {"name": name, **options}, **SHARED}, registry)
        for name, options in METHODS.items()
    ]


def main(home: str, stop_at: str) -> None:
    torch.set_num_threads(1)
    registry = load_registry()
    wanted = configs(registry)
    method = wanted[0].method.spec.load()
    update, n_updates = method.update, 0

    def counted(self, acts_bd):
        nonlocal n_updates
        n_updates += 1
        if n_updates == int(stop_at) and os.environ.get("RANK") == "1":
            os.kill(os.getpid(), signal.SIGTERM)
        return update(self, acts_bd)

    method.update = counted
    with context(Path(home), "cpu", registry) as surroundings:
        train_several(wanted, surroundings)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except typer.Exit as stopped:
        sys.exit(stopped.exit_code)
