"""The record `metrics.jsonl`, and what trackers see of it."""

import json

import pytest

from traits_core import Histogram
from traits_core.errors import StageError
from traits_core.tracking.metrics import MetricsLog
from traits_core.tracking.trackers import Trackers


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


def steps(path):
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_a_line_holds_what_was_appended(path):
    MetricsLog(path).append("epoch", 7, 2, 1.23456, {"inertia": 0.5})
    assert json.loads(path.read_text()) == {
        "kind": "epoch",
        "step": 7,
        "epoch": 2,
        "seconds": 1.2346,
        "inertia": 0.5,
    }


def test_trackers_tell_an_epoch_from_its_last_step(path, recorder):
    watching = recorder()
    log = MetricsLog(path, Trackers({"watching": watching}))
    log.append("step", 3, 0, 0.5, {"inertia": 2.0})
    log.append("epoch", 3, 1, 0.75, {"inertia": 1.0})
    assert watching.calls == [
        ("log", 3, {"epoch": 0, "seconds": 0.5, "step/inertia": 2.0}),
        ("log", 3, {"epoch": 1, "seconds": 0.75, "epoch/inertia": 1.0}),
    ]


def test_histograms_are_recorded_and_shown_by_those_that_can(path, recorder):
    class Showing(recorder):
        def log_histograms(self, step, histograms):
            self._called("log_histograms", step, dict(histograms))

    plain, showing = recorder(), Showing()
    sizes = Histogram(low=0.0, high=4.0, counts=(3, 1))
    log = MetricsLog(path, Trackers({"plain": plain, "showing": showing}))
    log.append("epoch", 3, 1, 0.5, {"inertia": 2.0}, {"sizes": sizes})
    line = json.loads(path.read_text())
    assert line["sizes"] == {"low": 0.0, "high": 4.0, "counts": [3, 1]}
    assert [name for name, *_ in plain.calls] == ["log"]
    assert showing.calls == [*plain.calls, ("log_histograms", 3, {"epoch/sizes": sizes})]


def test_a_line_is_recorded_though_its_tracker_fails(path, recorder, said):
    log = MetricsLog(path, Trackers({"failing": recorder(fails_in="log")}, said))
    for step in (1, 2):
        log.append("step", step, 0, 0.0, {})
    assert steps(path) == [1, 2]
    assert len(said.lines) == 1


def test_rewind_drops_later_steps_and_a_torn_line(path):
    size = Histogram(low=0.0, high=1e-300, counts=(1,))
    log = MetricsLog(path)
    for step in (1, 2, 3):
        log.append("step", step, 0, 0.1, {"loss": 1 / 3}, {"größe": size})
    with path.open("a") as file:
        file.write('{"kind": "step", "st')
    before = path.read_text().splitlines(keepends=True)
    log.rewind(2)
    assert path.read_text() == "".join(before[:2])
    log.append("step", 3, 0, 0.0, {})
    assert steps(path) == [1, 2, 3]


@pytest.mark.parametrize("damage", ['{"kind": "st', "", "3"])
def test_rewind_refuses_a_record_with_a_damaged_line_and_leaves_it(path, damage):
    log = MetricsLog(path)
    log.append("step", 1, 0, 0.0, {})
    with path.open("a") as file:
        file.write(damage + "\n")
    log.append("step", 2, 0, 0.0, {})
    before = path.read_text()
    with pytest.raises(StageError, match=r"metrics\.jsonl: line 2 is damaged .*: move the file"):
        log.rewind(1)
    assert path.read_text() == before


def test_rewind_of_no_record_makes_none(path):
    MetricsLog(path).rewind(0)
    assert not path.exists()
