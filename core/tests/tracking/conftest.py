"""A tracker that remembers, one that fails, and wandb without network or traces outside `tmp_path`."""

import os

import attrs
import pytest


@attrs.define
class Recorder:
    """Remembers the calls it gets; raises in the one named by `fails_in`."""

    fails_in: str = ""
    calls: list[tuple] = attrs.field(factory=list)

    def start(self, run_directory, name, config):
        self._called("start", run_directory, name, config)

    def log(self, step, metrics):
        self._called("log", step, dict(metrics))

    def summarize(self, metrics):
        self._called("summarize", dict(metrics))

    def artifact(self, name, path):
        self._called("artifact", name, path)

    def finish(self, ok):
        self._called("finish", ok)

    def _called(self, name, *arguments):
        self.calls.append((name, *arguments))
        if name == self.fails_in:
            raise OSError(f"the {name}\nserver is gone")


@attrs.define
class Said:
    """A progress that keeps the lines."""

    lines: list[str] = attrs.field(factory=list)

    def say(self, text):
        self.lines.append(text)


@pytest.fixture
def recorder():
    return Recorder


@pytest.fixture
def said():
    return Said()


@pytest.fixture
def wandb(monkeypatch, tmp_path_factory):
    """The module, whose service process ends with the test."""
    import wandb

    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    elsewhere = tmp_path_factory.mktemp("wandb-home")
    for name in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(elsewhere / name.lower()))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    wandb.teardown()
    yield wandb
    wandb.teardown()
