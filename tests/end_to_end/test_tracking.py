"""Trackers watch a whole run: they see its record, and change neither its numbers nor its name."""

import json
import os
import re
import subprocess
import sys
from functools import partialmethod
from pathlib import Path

import attrs
import pytest
import torch

from traits_core.config.run_config import resolve_run, resolve_track
from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.stages.compose import run_all
from traits_core.stages.context import Context
from traits_core.tracking.trackers import Trackers

SMALL = {
    "method": {"name": "kmeans", "n_clusters": 8, "max_epochs": 2},
    "dataset": {"name": "digits", "limit": 64},
    "run": {"batch_size": 256, "checkpoint_every": 2},
}
CALLS = ("start", "log", "log_histograms", "summarize", "artifact", "finish")


@attrs.define
class Recorder:
    """Remembers the calls it gets; raises in the one named by `fails_in`."""

    fails_in: str = ""
    calls: list[tuple] = attrs.field(factory=list)

    def _called(self, name, *arguments, **named):
        self.calls.append((name, *arguments, *named.values()))
        if name == self.fails_in:
            raise ConnectionError("no route")

    start = partialmethod(_called, "start")
    log = partialmethod(_called, "log")
    log_histograms = partialmethod(_called, "log_histograms")
    summarize = partialmethod(_called, "summarize")
    artifact = partialmethod(_called, "artifact")
    finish = partialmethod(_called, "finish")

    def of(self, name):
        return [arguments for called, *arguments in self.calls if called == name]


class Said(Silent):
    """Keeps the warnings."""

    def __init__(self):
        self.warnings = []

    def say(self, text):
        if text.startswith("warning"):
            self.warnings.append(text)


def run_small(home, *trackers, progress=None):
    torch.set_num_threads(1)
    progress = progress or Said()
    registry = load_registry()
    watching = {f"tracker{n}": tracker for n, tracker in enumerate(trackers)}
    context = Context(
        home=home,
        registry=registry,
        device=torch.device("cpu"),
        progress=progress,
        new_trackers=lambda: Trackers(watching, progress),
    )
    return run_all(resolve_run(SMALL, registry), context)


def record(run):
    return [json.loads(line) for line in run.metrics.read_text().splitlines()]


def outcome(run):
    """Everything that the run computed, without times."""
    timed = ("seconds", "rows_per_second", "peak_bytes")
    metrics = [{k: v for k, v in line.items() if k not in timed} for line in record(run)]
    return run.root.name, (run.probe / "results.json").read_text(), metrics


@pytest.fixture(scope="module")
def unwatched(tmp_path_factory):
    return outcome(run_small(tmp_path_factory.mktemp("unwatched")))


def test_a_tracker_sees_the_record_the_headline_and_the_report(unwatched, tmp_path):
    tracker = Recorder()
    run = run_small(tmp_path, tracker)
    assert outcome(run) == unwatched
    assert tracker.of("start") == [[run.root, run.root.name, run.config.to_json()]]
    expected, sizes = [], []
    for line in record(run):
        kind, step = line.pop("kind"), line.pop("step")
        if kind == "epoch":
            sizes.append([step, line.pop("sizes")["counts"]])
        shared = {name: line.pop(name) for name in ("epoch", "seconds")}
        expected.append([step, {**shared, **{f"{kind}/{name}": v for name, v in line.items()}}])
    assert tracker.of("log") == expected
    told = tracker.of("log_histograms")
    assert [[step, list(shown["epoch/sizes"].counts)] for step, shown in told] == sizes
    assert [sum(counts) for _, counts in sizes] == [8, 8]  # clusters
    headline = json.loads((run.probe / "results.json").read_text())["headline"]
    assert tracker.of("summarize") == [[{f"map/{row['row']}": row["map"] for row in headline}]]
    assert tracker.of("artifact") == [["report", run.report]]
    assert tracker.calls[-1] == ("finish", True)


@pytest.mark.parametrize("call", CALLS)
def test_a_failing_tracker_costs_one_warning_and_nothing_else(unwatched, tmp_path, call):
    failing, sound, said = Recorder(fails_in=call), Recorder(), Said()
    run = run_small(tmp_path, failing, sound, progress=said)
    assert outcome(run) == unwatched
    assert len(failing.of(call)) == 1
    assert failing.calls[-1][0] == call
    assert sound.calls[-1] == ("finish", True)
    (warning,) = said.warnings
    assert "'tracker0' is dropped" in warning


@pytest.mark.parametrize("error", [KeyboardInterrupt("^C"), OSError("the disk is full")])
def test_trackers_hear_that_a_run_failed_and_then_that_it_went_on(
    unwatched, tmp_path, monkeypatch, error
):
    registry = load_registry()
    method = resolve_run(SMALL, registry).method.spec.load()
    update, n_updates = method.update, 0

    def failing(self, acts_bd):
        nonlocal n_updates
        n_updates += 1
        if n_updates == 4:
            raise error
        return update(self, acts_bd)

    first, second = Recorder(), Recorder()
    with monkeypatch.context() as patch:
        patch.setattr(method, "update", failing)
        with pytest.raises(type(error), match=re.escape(str(error))):
            run_small(tmp_path, first)
    assert first.calls[-1] == ("finish", False)
    assert not first.of("summarize")
    run = run_small(tmp_path, second)
    assert outcome(run) == unwatched
    assert second.of("start") == first.of("start")
    seen = [step for step, _ in first.of("log")], [step for step, _ in second.of("log")]
    assert seen[0] == [1, 2, 3]
    assert seen[1][0] == 3  # from the checkpoint after step 2
    assert sorted({*seen[0], *seen[1]}) == sorted({line["step"] for line in record(run)})


def test_tracking_is_no_part_of_the_configuration():
    registry = load_registry()
    plain = resolve_run(SMALL, registry)
    raw = {**SMALL, "track": {"name": "wandb", "project": "birds"}}
    assert resolve_track(raw, registry).options.project == "birds"
    assert resolve_run(raw, registry).to_json() == plain.to_json()
    assert resolve_run(raw, registry).digest == plain.digest


@pytest.mark.slow
def test_the_command_line_tracks_a_run_below_its_directory(unwatched, tmp_path):
    pytest.importorskip("wandb")
    config = tmp_path / "small.toml"
    config.write_text("".join(_toml(name, options) for name, options in SMALL.items()))
    words = ["run", "--config", config, "--track", "wandb", "--track.project", "birds", "--json"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    environ |= {
        f"WANDB_{name}_DIR": str(tmp_path / "wandb") for name in ("CACHE", "CONFIG", "DATA")
    }
    finished = subprocess.run(
        [Path(sys.executable).with_name("traits"), *words, "--home", tmp_path / "home"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
        env={**environ, "WANDB_ERROR_REPORTING": "false"},
    )
    assert "warning" not in finished.stderr
    root = Path(json.loads(finished.stdout)["run"])
    assert root.name == unwatched[0]
    (file,) = root.glob("wandb/offline-run-*/run-*.wandb")
    content = file.read_bytes()
    assert b"map/method" in content
    assert re.search(rb'epoch/sizes.{1,40}"histogram"', content, re.DOTALL)
    assert "track" not in json.loads((root / "run.json").read_text())["config"]


def _toml(name, options):
    return f"[{name}]\n" + "".join(
        f"{key} = {json.dumps(value)}\n" for key, value in options.items()
    )
