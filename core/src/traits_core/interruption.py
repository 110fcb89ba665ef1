"""Signals that ask a command to stop: it stops where nothing is lost, and says how to go on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import attrs

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""Ctrl-C, and what Slurm sends before it ends a job: at preemption, and ahead of the time limit."""

EX_TEMPFAIL: Final = 75  # of sysexits.h: try again later


class Interrupted(KeyboardInterrupt):
    """A signal asked this process to stop. As its base, it is caught by no `except Exception`."""

    def __init__(self, signal_number: int) -> None:
        self.signal = signal.Signals(signal_number)
        by_hand = self.signal is signal.SIGINT
        super().__init__("interrupted" if by_hand else f"stopped by {self.signal.name}")

    @property
    def exit_code(self) -> int:
        """What a shell expects after Ctrl-C, and else 75: to be started again."""
        return 128 + signal.SIGINT if self.signal is signal.SIGINT else EX_TEMPFAIL


@attrs.define(eq=False)
class _Section:
    """A piece of work that signals wait for; `asked` is the first of them."""

    patient: bool
    asked: int | None = None


_sections: Final[list[_Section]] = []
"""The sections that the main thread is in; signals are a matter of the process, and so is this."""


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Raise `Interrupted` in the block when a signal asks to stop; handlers are put back after it.

    A signal that this process was started to ignore, as `nohup` does, is still ignored. Outside the
    main thread, where Python has no signals, nothing happens.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    heeded = [number for number in STOP_SIGNALS if before[number] is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, _handle)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number] or signal.SIG_DFL)


@contextmanager
def deferring_signals(*, patient: bool) -> Iterator[None]:
    """Let signals wait until `stop_if_asked`, or the end of the block.

    Parameters
    ----------
    patient: a second signal waits too (Ctrl-C never does); else it stops the block at once
    """
    section = _Section(patient)
    _sections.append(section)
    try:
        yield
    finally:
        _sections.remove(section)
    if section.asked is not None:
        raise Interrupted(section.asked)


def asked_to_stop() -> bool:
    """True when a signal waits."""
    return any(section.asked is not None for section in _sections)


def stop_if_asked() -> None:
    """Raise the `Interrupted` of a signal that waits."""
    for section in _sections:
        if section.asked is not None:
            raise Interrupted(section.asked)


def _handle(number: int, frame: FrameType | None) -> None:
    section = _sections[-1] if _sections else None
    again = section is not None and section.asked is not None
    if section is None or (again and (number == signal.SIGINT or not section.patient)):
        raise Interrupted(number)
    if not again:
        section.asked = number
        if number == signal.SIGINT:  # print is not reentrant, and may be what was interrupted
            os.write(2, b"\nstopping soon; Ctrl-C again stops at once\n")
