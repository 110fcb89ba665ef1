"""The wandb tracker, with the real wandb, offline: what it writes is read back from its files."""

import json
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from traits_core import Histogram
from traits_core.errors import PluginError
from traits_core.tracking.wandb_config import WandbConfig
from traits_core.tracking.wandb_tracker import WandbTracker

BLOCK, MAGIC_BYTES, HEADER_BYTES = 32768, 7, 7
FULL, FIRST, MIDDLE, LAST = range(1, 5)


@attrs.define
class WandbFile:
    """What one `run-*.wandb` says."""

    run_id: str = ""
    project: str = ""
    config: dict = attrs.field(factory=dict)
    history: list[dict] = attrs.field(factory=list)
    summary: dict = attrs.field(factory=dict)
    artifacts: list[tuple[str, str]] = attrs.field(factory=list)
    exit_code: int | None = None


def read_starts(wandb, run_directory: Path) -> list[WandbFile]:
    """Every start of a run, oldest first; wandb has no public reader of its own files."""
    wandb.teardown()  # waits until they are written
    return [_read(path) for path in sorted(run_directory.glob("wandb/offline-run-*/run-*.wandb"))]


def _read(path: Path) -> WandbFile:
    file = WandbFile()
    for record in _records(path.read_bytes()):
        match record.WhichOneof("record_type"):
            case "run":
                file.run_id, file.project = record.run.run_id, record.run.project
                file.config |= _values(record.run.config.update)
            case "history":
                file.history.append(_values(record.history.item))
            case "summary":
                file.summary |= _values(record.summary.update)
            case "artifact":
                (entry,) = record.artifact.manifest.contents
                file.artifacts.append((record.artifact.type, entry.local_path))
            case "exit":
                file.exit_code = record.exit.exit_code
    return file


def _values(items) -> dict:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def _records(data: bytes) -> Iterator:
    """Protobuf records in the log format of LevelDB, behind the file's own seven bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    assert data[:4] == b":W&B"
    position, payload = MAGIC_BYTES, b""
    while position + HEADER_BYTES <= len(data):
        left = BLOCK - position % BLOCK
        if left < HEADER_BYTES:
            position += left
            continue
        _, length, part = struct.unpack_from("<IHB", data, position)
        position += HEADER_BYTES
        payload = (
            data[position : position + length]
            if part in (FULL, FIRST)
            else (payload + data[position : position + length])
        )
        position += length
        if part in (FULL, LAST):
            record = Record()
            record.ParseFromString(payload)
            yield record


def started(run_directory: Path, **options) -> WandbTracker:
    run_directory.mkdir(exist_ok=True)
    tracker = WandbTracker(WandbConfig(**options))
    tracker.start(
        run_directory, run_directory.name, {"method": {"name": "kmeans", "n_clusters": 8}}
    )
    return tracker


def test_what_is_told_can_be_read_back(wandb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, report = tmp_path / "kmeans-digits-0123", tmp_path / "index.html"
    report.write_text("<!doctype html>")
    tracker = started(run, project="birds")
    rows = 300  # more than one block of the file
    for step in range(1, rows + 1):
        tracker.log(
            step, {"epoch": step // 100, "step/inertia": 1 / step, "step/filler": step * 1.1}
        )
    tracker.log(rows, {"epoch/inertia": 0.25})
    sizes = Histogram(low=0.0, high=4.0, counts=(3, 1))
    tracker.log_histograms(rows, {"epoch/sizes": sizes})
    tracker.summarize({"map/method": 0.5})
    tracker.artifact("report", Path(report.name))
    tracker.finish(ok=True)
    (file,) = read_starts(wandb, run)
    assert next(run.glob("wandb/offline-run-*/run-*.wandb")).stat().st_size > BLOCK
    assert file.run_id.startswith("kmeans-digits-0123-")
    assert file.project == "birds"
    assert file.config["method"] == {"name": "kmeans", "n_clusters": 8}
    assert [row["_step"] for row in file.history] == list(range(1, rows + 1))
    assert [row["step/inertia"] for row in file.history] == [1 / n for n in range(1, rows + 1)]
    assert [row["epoch/inertia"] for row in file.history if "epoch/inertia" in row] == [0.25]
    last = file.history[-1]
    assert last["epoch/sizes/_type"] == "histogram"
    assert (last["epoch/sizes/values"], last["epoch/sizes/bins"]) == ([3, 1], [0, 2, 4])
    assert file.summary["map/method"] == 0.5
    assert file.artifacts == [("report", str(report))]
    assert file.exit_code == 0


def test_a_resumed_run_has_the_same_id_and_another_one_has_not(wandb, tmp_path):
    first = started(tmp_path / "a")
    first.log(1, {"step/inertia": 2.0})
    first.finish(ok=False)
    time.sleep(1.1)  # wandb names its directories by the second
    again = started(tmp_path / "a")
    again.log(2, {"step/inertia": 1.0})
    again.finish(ok=True)
    (tmp_path / "home").mkdir()
    elsewhere = started(tmp_path / "home" / "a")
    elsewhere.finish(ok=True)
    failed, resumed = read_starts(wandb, tmp_path / "a")
    (other,) = read_starts(wandb, tmp_path / "home" / "a")
    assert failed.run_id == resumed.run_id != other.run_id
    assert (failed.exit_code, resumed.exit_code) == (1, 0)
    assert [row["_step"] for row in failed.history + resumed.history] == [1, 2]


def test_the_environment_does_not_make_it_go_online(wandb, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path / "elsewhere"))
    tracker = started(tmp_path / "run")
    tracker.finish(ok=True)
    assert len(read_starts(wandb, tmp_path / "run")) == 1
    assert not (tmp_path / "elsewhere").exists()


def test_a_wandb_run_that_is_open_already_is_left_alone(wandb, tmp_path):
    mine = wandb.init(mode="offline", dir=tmp_path, settings=wandb.Settings(silent=True))
    tracker = started(tmp_path / "run")
    tracker.log(1, {"step/inertia": 2.0})
    mine.log({"mine": 1})
    tracker.finish(ok=True)
    mine.log({"mine": 2})
    mine.finish()
    (theirs,) = read_starts(wandb, tmp_path)
    assert [row["mine"] for row in theirs.history] == [1, 2]
    (ours,) = read_starts(wandb, tmp_path / "run")
    assert [row.get("mine") for row in ours.history] == [None]


def test_a_missing_wandb_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(PluginError, match=r"pip install 'traits-core\[wandb\]'"):
        WandbTracker(WandbConfig())


def test_the_options_and_the_code_are_there_without_wandb(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    for name in ("wandb_tracker", "wandb_config"):
        monkeypatch.delitem(sys.modules, f"traits_core.tracking.{name}")
    import traits_core.tracking.wandb_tracker

    assert traits_core.tracking.wandb_tracker.WandbTracker
