"""A command that is asked to stop stops where nothing is lost, and goes on to the same numbers."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from traits_core.stores.json_records import load_header
from traits_core.stores.manifest import load_manifest
from traits_core.stores.reader import Store

GO_ON = "the same command goes on from here"


def checkpoints(home):
    return sorted(path.name for path in home.glob("runs/*/checkpoints/step-*"))


@pytest.fixture
def run(traits, tmp_path):
    """A finished run, whose stores have several shards."""
    words = ["--method", "random", "--method.n-prototypes", "8", "--dataset", "digits"]
    cut = ["--dataset.limit", "300", "--storage.chunk-rows", "16", "--storage.rows-per-shard", "64"]
    ended = traits("run", *words, *cut, "--device", "cpu", "--home", tmp_path / "home", "--json")
    return Path(json.loads(ended.out)["run"])


@pytest.fixture
def reading(monkeypatch):
    """Send a signal to this process when a store is read for the n-th time."""

    def sends(name, n):
        read, counted = Store.read, itertools.count(1)

        def read_and_send(self, *arguments):
            if next(counted) == n:
                os.kill(os.getpid(), signal.Signals[name])
            return read(self, *arguments)

        monkeypatch.setattr(Store, "read", read_and_send)

    return sends


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


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 75), ("SIGUSR1", 75), ("SIGINT", 130)])
@pytest.mark.parametrize("form", [("--to", "raw"), ("--scores", "top-k", "--scores-k", "2")])
def test_a_conversion_stops_after_a_shard_and_goes_on(
    traits, run, reading, tmp_path, form, name, code
):
    cut = ["--set", "chunk_rows=16", "--set", "rows_per_shard=64"]
    scores, whole, out = run / "scores" / "test", tmp_path / "whole", tmp_path / "out"
    assert traits("convert", scores, whole, *form, *cut).code == 0
    reading(name, 20)  # of three scorers, a chunk each: in the second shard
    stopped = traits("convert", scores, out, *form, *cut)
    assert stopped.code == code, stopped.err
    said = "interrupted" if name == "SIGINT" else f"stopped by {name}"
    assert stopped.err.endswith(f"\n{said}: {GO_ON}\n")
    header = load_header(out)
    assert 0 < len(load_manifest(out, header).shards) < header.n_shards
    assert traits("convert", scores, out, *form, *cut).code == 0
    assert load_manifest(out, header) == load_manifest(whole, load_header(whole))


def test_an_export_stops_at_once_and_leaves_nothing_under_its_name(traits, run, reading, tmp_path):
    (activations,) = run.parent.parent.glob("activations/*-test-*")
    reading("SIGTERM", 1)
    stopped = traits("convert", activations, tmp_path / "out", "--to", "npz")
    assert stopped.code == 75, stopped.err
    assert stopped.err.endswith(f"\nstopped by SIGTERM: {GO_ON}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert traits("convert", activations, tmp_path / "out", "--to", "npz").code == 0
    assert (tmp_path / "out" / "metadata.json").exists()
