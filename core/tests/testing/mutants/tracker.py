"""Trackers that get in the way of the run that they watch, or leave traces."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from good_plugin.tracker import GoodTracker

from mutants import breaks


@breaks("check_watches_a_whole_run", "NotImplementedError: no artifacts")
class TakesNoArtifacts(GoodTracker):
    def artifact(self, name, path):
        raise NotImplementedError("no artifacts")


@breaks("check_watches_a_whole_run", "no two metrics of step 1")
class OneLogPerStep(GoodTracker):
    seen = -1

    def log(self, step, metrics):
        if step == self.seen:
            raise ValueError(f"no two metrics of step {step}")
        self.seen = step


@breaks("check_failed_run_is_finished", "AttributeError")
class FinishesWholeRunsOnly(GoodTracker):
    def summarize(self, metrics):
        self.summary = metrics

    def finish(self, ok):
        self.note(self.summary)


@breaks("check_failed_run_is_finished", "IndexError")
class CountsOnASteps(GoodTracker):
    steps = ()

    def log(self, step, metrics):
        self.steps = (*self.steps, step)

    def finish(self, ok):
        self.note(self.steps[-1])


@breaks("check_resumed_run_may_repeat_steps", "FileExistsError")
class StartsOnce(GoodTracker):
    def start(self, run_directory, name, config):
        (run_directory / "good-tracker").mkdir()
        super().start(run_directory, name, config)


@breaks("check_resumed_run_may_repeat_steps", "step 3 after 5")
class WantsStepsToIncrease(GoodTracker):
    def log(self, step, metrics):
        kept = self.path.with_name("last")
        last = int(kept.read_text()) if kept.exists() else -1
        if step < last:
            raise ValueError(f"step {step} after {last}")
        kept.write_text(str(step))


@breaks("check_needs_no_network", "it connects to metrics.invalid")
class PhonesHome(GoodTracker):
    def start(self, run_directory, name, config):
        super().start(run_directory, name, config)
        with suppress(OSError):
            socket.create_connection(("metrics.invalid", 443), timeout=1)


@breaks("check_writes_in_the_run_directory_only", "home/.good")
class KeepsAFileAtHome(GoodTracker):
    def start(self, run_directory, name, config):
        super().start(run_directory, name, config)
        (Path.home() / ".good").write_text(name)


@breaks("check_writes_in_the_run_directory_only", "cwd/log.txt")
class WritesWhereItIs(GoodTracker):
    def start(self, run_directory, name, config):
        self.path = Path("log.txt")


@breaks("check_writes_in_the_run_directory_only", "tmp/")
class ForgetsTemporaryFiles(GoodTracker):
    def artifact(self, name, path):
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(path.read_bytes())


@breaks("check_run_is_left_as_it_is", "report.html")
class MovesTheReport(GoodTracker):
    def artifact(self, name, path):
        path.replace(self.path.with_name(path.name))


@breaks("check_run_is_left_as_it_is", "metrics.jsonl")
class WritesIntoTheRecord(GoodTracker):
    def start(self, run_directory, name, config):
        self.path = run_directory / "metrics.jsonl"


@breaks("check_run_is_left_as_it_is", "metrics of a step")
class TakesMetricsAway(GoodTracker):
    def log(self, step, metrics):
        metrics.pop("epoch")


@breaks("check_no_process_stays", "1 processes go on")
class LeavesAServer(GoodTracker):
    def start(self, run_directory, name, config):
        super().start(run_directory, name, config)
        code = "import time; time.sleep(60)"
        nowhere = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        subprocess.Popen([sys.executable, "-c", code], start_new_session=True, **nowhere)


@breaks("check_global_state_is_untouched", "Python's random generator")
class DrawsAName(GoodTracker):
    def start(self, run_directory, name, config):
        super().start(run_directory, f"{name}-{random.random()}", config)
