"""The command line, run in this process or in one of its own, beside two invented plugins."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

SITE = Path(__file__).parent / "site"


@attrs.frozen
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(SITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("TRAITS_HOME", "TRAITS_DISABLE_PLUGINS", "PYTHONUNBUFFERED"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def process() -> Callable[..., Ended]:
    """Run Python code, with `sys.argv[1:]` as given, in a process of its own."""

    def run(code: str, *arguments: str, **environ: str) -> Ended:
        ended = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(SITE), **environ},
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run
