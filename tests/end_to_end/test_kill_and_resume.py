"""A run that is killed at any instant, and started again, ends in the numbers of one that was not."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("driver.py")
INSTANTS = [
    ("extract train", "fsync", 2),  # while the store is being laid out
    ("extract train", "fsync", 23),  # among the shards
    ("extract test", "fsync", 24),
    ("train", "update", 1),  # before the first step
    ("train", "update", 57),  # in the second epoch, between two checkpoints
    ("train", "fsync", 9),  # while a checkpoint is being written
    ("train", "update", 132),  # the last step
    ("materialize train", "fsync", 5),
    ("materialize test", "fsync", 7),
    ("probe", "fsync", 4),
    ("report", "fsync", 3),
]


def drive(home: Path, stage: str = "none", event: str = "none", count: int = 0):
    command = [sys.executable, str(DRIVER), str(home), stage, event, str(count)]
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
        "digests": {name: stage["output"] for name, stage in status.items() if name != "report"},
        "metrics": metrics,
        "report": (root / "report" / "index.html").exists(),
    }


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    home = tmp_path_factory.mktemp("uninterrupted")
    finished = drive(home)
    assert finished.returncode == 0, finished.stderr
    return outcome(home), json.loads(finished.stdout)["counts"]


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "event", "count"), INSTANTS)
def test_a_killed_run_ends_in_the_same_numbers(uninterrupted, tmp_path, stage, event, count):
    expected, counts = uninterrupted
    happened = {(name, what): n for name, what, n in counts}
    assert count <= happened[stage, event], f"nothing to kill: {happened}"
    killed = drive(tmp_path, stage, event, count)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    resumed = drive(tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert outcome(tmp_path) == expected


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_still_arrives(uninterrupted, tmp_path):
    for stage, event, count in INSTANTS:
        killed = drive(tmp_path, stage, event, min(count, 3))
        assert killed.returncode in (-signal.SIGKILL, 0), killed.stderr
    assert drive(tmp_path).returncode == 0
    assert outcome(tmp_path) == uninterrupted[0]
