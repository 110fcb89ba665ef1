"""Signals that ask to stop: when they are heeded, when they wait, and that nothing of it stays."""

import os
import signal
import threading
from contextlib import suppress

import pytest

from traits_core.interruption import (
    STOP_SIGNALS,
    Interrupted,
    asked_to_stop,
    deferring_signals,
    stop_if_asked,
    stopping_on_signals,
)


@pytest.fixture(autouse=True)
def handlers():
    """Those of the test process are there again after each test."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGUSR1, 75)]
)
def test_a_signal_stops_the_block_and_decides_the_exit_code(number, code):
    with pytest.raises(Interrupted) as stopped, stopping_on_signals():
        send(number)
    assert stopped.value.exit_code == code


def test_no_handler_for_exceptions_swallows_it():
    def work():
        with stopping_on_signals(), suppress(Exception):
            send(signal.SIGTERM)

    with pytest.raises(Interrupted):
        work()


def test_handlers_are_put_back(handlers):
    with stopping_on_signals():
        assert signal.getsignal(signal.SIGTERM) != handlers[signal.SIGTERM]
    assert {number: signal.getsignal(number) for number in STOP_SIGNALS} == handlers


def test_a_signal_that_was_ignored_still_is():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with stopping_on_signals():
        send(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_outside_the_main_thread_nothing_happens(handlers):
    seen = []

    def work():
        with stopping_on_signals():
            seen.append({number: signal.getsignal(number) for number in STOP_SIGNALS})

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [handlers]


def test_a_deferred_signal_waits_to_be_asked_for():
    reached = []

    def work():
        with stopping_on_signals(), deferring_signals(patient=True):
            stop_if_asked()
            send(signal.SIGTERM)
            reached.append("the boundary")
            assert asked_to_stop()
            stop_if_asked()
            reached.append("beyond")

    with pytest.raises(Interrupted):
        work()
    assert reached == ["the boundary"]
    assert not asked_to_stop()


def test_a_deferred_signal_stops_at_the_end_of_the_block_at_the_latest():
    reached = []

    def work():
        with stopping_on_signals():
            with deferring_signals(patient=True):
                send(signal.SIGUSR1)
                reached.append("the end")
            reached.append("beyond")

    with pytest.raises(Interrupted):
        work()
    assert reached == ["the end"]


def test_an_error_in_the_block_is_not_hidden_by_a_signal():
    def work():
        with stopping_on_signals(), deferring_signals(patient=True):
            send(signal.SIGTERM)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()


@pytest.mark.parametrize(
    ("patient", "second", "waits"),
    [
        (True, signal.SIGTERM, True),
        (True, signal.SIGINT, False),
        (False, signal.SIGTERM, False),
    ],
)
def test_a_second_signal(patient, second, waits):
    reached = []

    def work():
        with stopping_on_signals(), deferring_signals(patient=patient):
            send(signal.SIGUSR1)
            send(second)
            reached.append("the end")

    with pytest.raises(Interrupted) as stopped:
        work()
    assert bool(reached) == waits
    assert stopped.value.signal == (signal.SIGUSR1 if waits else second)
