"""Runs in processes of their own, which signals reach at exact instants, and what comes of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from traits_core.registry.loader import load_registry
from traits_core.registry.plugins import Plugin, Registry, Status

DRIVER = Path(__file__).with_name("driver.py")


def drive(home: Path, stage: str = "none", event: str = "none", count: int = 0, *signals: str):
    """Bring the run below `home` to its end, or to the instant at which signals are sent."""
    command = [sys.executable, str(DRIVER), str(home), stage, event, str(count), *signals]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def outcome(home: Path) -> dict:
    """Everything that a run computes, without times and sizes."""
    (root,) = (home / "runs").iterdir()
    metrics = [json.loads(line) for line in (root / "metrics.jsonl").read_text().splitlines()]
    for line in metrics:
        del line["seconds"]
        line.pop("rows_per_second", None)
        line.pop("peak_bytes", None)
    status = json.loads((root / "status.json").read_text())
    return {
        "results": json.loads((root / "probe" / "results.json").read_text()),
        "digests": {
            name: stage["output"]
            for name, stage in status.items()
            if name not in ("report", "measure")
        },
        "metrics": metrics,
        "report": (root / "report" / "index.html").exists(),
    }


@pytest.fixture(scope="session")
def registry_with():
    """What is installed, and a plugin of the given name, module and specs."""

    def registry(name, module, *specs):
        plugin = Plugin(
            name=name,
            distribution=name,
            version="0",
            module=module,
            status=Status.OK,
            specs=specs,
        )
        return Registry((*load_registry().plugins, plugin))

    return registry


@pytest.fixture(name="drive")
def drive_fixture():
    return drive


@pytest.fixture(name="outcome")
def outcome_fixture():
    return outcome


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory):
    """The outcome of a run that no signal reaches, and how often each instant happens in it."""
    home = tmp_path_factory.mktemp("uninterrupted")
    finished = drive(home)
    assert finished.returncode == 0, finished.stderr
    counts = json.loads(finished.stdout)["counts"]
    return outcome(home), {(stage, event): n for stage, event, n in counts}
