"""Progress tells how fast work goes and how long it takes: as a bar on a terminal, else in lines."""

import io

import pytest
from rich.console import Console

from traits_core.cli import progress
from traits_core.cli.progress import Bars, Lines


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests set."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(progress.time, "monotonic", lambda: Clock.now)
    return Clock


def test_lines_tell_throughput_and_the_time_that_is_left(clock):
    stream = io.StringIO()
    with Lines(stream).track("training", 100, "batches", done=20) as advance:
        clock.now = 12.0
        advance(24)
        clock.now = 14.0
        advance(4)  # too soon for a line
    assert stream.getvalue().splitlines() == [
        "  training: 44/100 batches, 2/s, 28 s left",
        "  training: 48 batches in 14.0 s (2/s)",
    ]


@pytest.mark.parametrize("kind", [Lines, lambda stream: Bars(Console(file=stream))])
def test_nothing_is_left_of_no_work(kind):
    stream = io.StringIO()
    with kind(stream).track("training", 0, "batches"):
        pass
    assert "training: " not in stream.getvalue()


def test_a_bar_shows_throughput_and_the_time_that_is_left():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    with Bars(console).track("training", 100, "batches", done=20) as advance:
        advance(5)
    shown = stream.getvalue()
    assert "25/100 batches" in shown
    assert "/s" in shown.split("25/100 batches")[1].split("left")[0]
    assert "left" in shown
    assert "  training: 25 batches in " in shown.splitlines()[-1]
