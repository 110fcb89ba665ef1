"""The directory of one run: one method, one dataset, one configuration."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

from traits_core.config.run_config import RunConfig, resolve_run
from traits_core.config.sources import read_config
from traits_core.durable import create_json
from traits_core.errors import StageError
from traits_core.registry.plugins import Registry
from traits_core.stages.context import make_directory
from traits_core.tracking.trackers import Trackers

FORMAT_VERSION = 1


@attrs.frozen
class RunDirectory:
    """Paths of one run, see docs/runs.md for what each of them holds, and who watches it.

    `label` says how it differs from those that are made with it, and is empty when it is alone.
    """

    root: Path
    config: RunConfig
    trackers: Trackers = attrs.field(factory=Trackers, eq=False)
    label: str = attrs.field(default="", eq=False)

    checkpoints = property(lambda self: self.root / "checkpoints")
    metrics = property(lambda self: self.root / "metrics.jsonl")
    scorer = property(lambda self: self.root / "scorer")
    scores = property(lambda self: self.root / "scores")
    probe = property(lambda self: self.root / "probe")
    report = property(lambda self: self.root / "report" / "index.html")

    @property
    def facts(self) -> dict[str, Any]:
        """The contents of `run.json`."""
        return read_run_json(self.root)


def run_root(home: Path, config: RunConfig) -> Path:
    """Where the run of this configuration lives."""
    name = f"{config.method.spec.name}-{config.dataset.spec.name}-{config.digest}"
    return home / "runs" / name


def create_run(
    home: Path, config: RunConfig, registry: Registry, trackers: Trackers, label: str = ""
) -> RunDirectory:
    """Make the directory of a run that `trackers` watch, or return it when it is there."""
    root = run_root(home, config)
    make_directory(root)
    facts = {
        "format": FORMAT_VERSION,
        "config": config.to_json(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "versions": _versions(config, registry),
        "git": _git_state(),
    }
    try:
        create_json(root / "run.json", facts)
    except FileExistsError:
        return attrs.evolve(open_run(root, registry), trackers=trackers, label=label)
    return RunDirectory(root, config, trackers, label)


def open_run(root: Path, registry: Registry) -> RunDirectory:
    """Open an existing run; raises StageError when there is none, or none that can be read."""
    read_run_json(root)
    return RunDirectory(root, resolve_run(read_config(root / "run.json"), registry))


def find_runs(home: Path) -> list[Path]:
    """Directories below `home/runs` that hold a run.json, oldest first."""
    found = (home / "runs").glob("*/run.json")
    return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime)]


def read_run_json(root: Path) -> dict[str, Any]:
    """The contents of `run.json`; raises StageError when it is missing, damaged, or of another version."""
    try:
        facts: Any = json.loads((root / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StageError(f"{root}: no run here (no run.json); `traits runs` lists them") from error
    except ValueError as error:
        raise _damaged(root, str(error)) from error
    if not isinstance(facts, dict) or not isinstance(facts.get("config"), dict):
        raise _damaged(root, "it holds no configuration")
    if (found := facts.get("format", FORMAT_VERSION)) != FORMAT_VERSION:
        raise StageError(
            f"{root}/run.json: of format {found}, this version reads {FORMAT_VERSION}: "
            "use the version of traits-core that wrote it"
        )
    return facts


def _damaged(root: Path, reason: str) -> StageError:
    return StageError(
        f"{root}/run.json: damaged ({reason}): put it back from a copy, or move {root} away"
    )


def _versions(config: RunConfig, registry: Registry) -> dict[str, str]:
    choices = (config.method, config.dataset, config.backbone, config.storage, config.probe)
    owners = [registry.owner(choice.spec) for choice in choices]
    ours = {owner.distribution: owner.version for owner in owners}
    python = ".".join(map(str, sys.version_info[:3]))
    return {**ours, "torch": version("torch"), "zarr": version("zarr"), "python": python}


def _git_state() -> dict[str, Any] | None:
    """Commit of the working directory, and whether it has changes; None outside a repository."""

    def git(*words: str) -> str:
        command = ["git", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603  # fixed words

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None
