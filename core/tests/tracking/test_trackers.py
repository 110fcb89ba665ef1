"""The guard: trackers see everything, and can break nothing."""

from pathlib import Path

import pytest

from traits_core.tracking.trackers import Trackers

CALLS = [
    ("start", Path("run"), "name", {"method": {"name": "kmeans"}}),
    ("log", 1, {"step/inertia": 2.0}),
    ("log", 2, {"step/inertia": 1.0}),
    ("summarize", {"map/method": 0.3}),
    ("artifact", "report", Path("index.html")),
    ("finish", True),
]


def play(trackers: Trackers) -> None:
    for name, *arguments in CALLS:
        getattr(trackers, name)(*arguments)


def test_every_tracker_gets_every_call_in_order(recorder, said):
    first, second = recorder(), recorder()
    play(Trackers({"first": first, "second": second}, said))
    assert first.calls == second.calls == CALLS
    assert said.lines == []


@pytest.mark.parametrize("method", ["start", "log", "summarize", "artifact", "finish"])
def test_a_tracker_that_raises_is_dropped_with_one_warning(recorder, said, method):
    failing, sound = recorder(fails_in=method), recorder()
    play(Trackers({"failing": failing, "sound": sound}, said))
    names = [name for name, *_ in CALLS]
    assert failing.calls == CALLS[: names.index(method) + 1]
    assert sound.calls == CALLS
    (warning,) = said.lines
    assert "'failing' is dropped" in warning
    assert f"OSError: the {method} server is gone" in warning


def test_an_interruption_is_no_failure_of_the_tracker(said):
    class Interrupted:
        def log(self, step, metrics):
            raise KeyboardInterrupt

    trackers = Trackers({"interrupted": Interrupted()}, said)
    with pytest.raises(KeyboardInterrupt):
        trackers.log(1, {})
    assert said.lines == []


def test_no_tracker_is_no_trouble():
    play(Trackers())
