"""A command that is asked to stop stops where nothing is lost, and goes on to the same numbers."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from traits_core.stores.json_records import load_header
from traits_core.stores.manifest import load_manifest

GO_ON = "the same command goes on from here"


def checkpoints(home):
    return sorted(path.name for path in home.glob("runs/*/checkpoints/step-*"))


def waits_for(condition, seconds=240):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("signals", "code"),
    [
        (["SIGTERM"], 75),
        (["SIGUSR1"], 75),
        (["SIGUSR1", "SIGTERM"], 75),  # as Slurm preempts
        (["SIGINT"], 130),
    ],
)
def test_training_stops_after_the_step_with_a_checkpoint(
    uninterrupted, drive, outcome, tmp_path, signals, code
):
    stopped = drive(tmp_path, "train", "update", 57, *signals)
    assert stopped.returncode == code, stopped.stderr
    assert stopped.stderr.count(GO_ON) == 1
    assert re.search(rf"(interrupted|stopped by {signals[0]}): {GO_ON}\n$", stopped.stderr)
    assert "Traceback" not in stopped.stderr
    assert checkpoints(tmp_path)[-1] == "step-000000057.safetensors"
    again = drive(tmp_path)
    assert again.returncode == 0, again.stderr
    assert outcome(tmp_path) == uninterrupted[0]


@pytest.mark.slow
def test_a_second_ctrl_c_does_not_wait_for_the_step(uninterrupted, drive, outcome, tmp_path):
    stopped = drive(tmp_path, "train", "update", 57, "SIGINT", "SIGINT")
    assert stopped.returncode == 130
    assert "Ctrl-C again stops at once" in stopped.stderr
    assert checkpoints(tmp_path)[-1] == "step-000000050.safetensors"
    assert drive(tmp_path).returncode == 0
    assert outcome(tmp_path) == uninterrupted[0]


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "count"), [("extract train", 23), ("materialize train", 5)])
def test_a_store_that_is_being_written_stops_after_a_shard(
    uninterrupted, drive, outcome, tmp_path, stage, count
):
    assert count <= uninterrupted[1][stage, "fsync"]
    stopped = drive(tmp_path, stage, "fsync", count, "SIGTERM")
    assert stopped.returncode == 75, stopped.stderr
    assert stopped.stderr.endswith(f"stopped by SIGTERM: {GO_ON}\n")
    kind, split = stage.split()
    (root,) = tmp_path.glob(
        f"activations/*-{split}-*" if kind == "extract" else f"runs/*/scores/{split}"
    )
    manifest = load_manifest(root, load_header(root))
    assert manifest.shards
    assert drive(tmp_path).returncode == 0
    assert outcome(tmp_path) == uninterrupted[0]


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["probe", "report"])
def test_other_stages_stop_at_once(uninterrupted, drive, outcome, tmp_path, stage):
    stopped = drive(tmp_path, stage, "fsync", 2, "SIGUSR1")
    assert stopped.returncode == 75, stopped.stderr
    (status,) = tmp_path.glob("runs/*/status.json")
    assert json.loads(status.read_text())[stage]["output"] is None
    assert drive(tmp_path).returncode == 0
    assert outcome(tmp_path) == uninterrupted[0]


@pytest.mark.slow
def test_the_command_itself_heeds_a_signal_from_outside(tmp_path):
    words = ["--method", "kmeans", "--dataset", "digits", "--device", "cpu", "--home", tmp_path]
    long = ["--method.max-epochs", "10000", "--method.tol", "0", "--batch-size", "64"]
    traits = Path(sys.executable).with_name("traits")
    with subprocess.Popen([traits, "run", *words, *long], stderr=subprocess.PIPE, text=True) as run:
        waits_for(lambda: any(tmp_path.glob("runs/*/metrics.jsonl")))
        run.send_signal(signal.SIGUSR1)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 75, said
    assert said.endswith(f"stopped by SIGUSR1: {GO_ON}\n")
    (metrics,) = tmp_path.glob("runs/*/metrics.jsonl")
    step = json.loads(metrics.read_text().splitlines()[-1])["step"]
    assert checkpoints(tmp_path)[-1] == f"step-{step:09d}.safetensors"
