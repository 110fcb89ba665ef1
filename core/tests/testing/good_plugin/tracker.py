"""Appends what it is told to a text file below the run directory."""

from __future__ import annotations

import json


class GoodTracker:
    def __init__(self, config):
        self.config = config

    def start(self, run_directory, name, config):
        self.path = run_directory / "good-tracker" / "log.txt"
        self.path.parent.mkdir(exist_ok=True)
        self.note("start", name, config)

    def log(self, step, metrics):
        self.note("log", step, dict(metrics))

    def summarize(self, metrics):
        self.note("summarize", dict(metrics))

    def artifact(self, name, path):
        self.note("artifact", name, path.name, path.stat().st_size)

    def finish(self, ok):
        self.note("finish", ok)

    def note(self, *what):
        with self.path.open("a") as file:
            file.write(json.dumps(what) + "\n")
