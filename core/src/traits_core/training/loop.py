"""The loop that all methods share: epochs, batches, checkpoints; one pass for several methods."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from functools import partial

import attrs

from traits_core.interruption import (
    Interrupted,
    asked_to_stop,
    deferring_signals,
    stop_if_asked,
)
from traits_core.progress import Progress
from traits_core.protocols import Comm
from traits_core.streaming.stream import BatchStream
from traits_core.training.fate import LearnerError, shared_fate
from traits_core.training.learner import Learner


@attrs.frozen(kw_only=True)
class Loop:
    """Trains methods on one stream, each from its last checkpoint on, as if it were alone.

    Every batch is read once and goes to all methods that have not had it: those behind catch up
    together, and the others join where they are. A run that was interrupted and started again ends
    bit for bit where an uninterrupted one does, on one thread. A signal that asks to stop ends it
    after the step, with checkpoints. One of several that fails is dropped, see `FateComm`. Memory: the
    methods' states, one window of the stream, two batches.

    Parameters
    ----------
    learners: the methods, and where they are
    stream: yields float32 batches [B, D] on the methods' device
    comm: the processes that train them together
    checkpoint_every: steps between checkpoints; there is one after each epoch too
    checkpoint_minutes: the longest time between them
    progress: follows the batches
    """

    learners: Sequence[Learner]
    stream: BatchStream
    comm: Comm
    checkpoint_every: int
    checkpoint_minutes: float
    progress: Progress

    def run(self) -> None:
        """Train until all methods are done, or have failed and are dropped."""
        learners = self._each(self.learners, Learner.begin)
        per_epoch = self.stream.batches_per_epoch
        total = per_epoch * max((learner.method.max_epochs for learner in learners), default=0)
        places = [learner.cursor for learner in learners]
        done = min((place.epoch * per_epoch + place.batch for place in places), default=0)
        with (
            self.progress.track("training", total, "batches", done) as advance,
            deferring_signals(patient=True),
        ):
            while members := self._furthest_behind():
                self._epoch(members, advance)

    def _each(self, learners: Sequence[Learner], work: Callable[[Learner], None]) -> list[Learner]:
        """Do a piece of work with each that has not failed; returns those that then have not."""
        for learner in _going(learners):
            try:
                with shared_fate(learner.comm):
                    work(learner)
            except LearnerError as failure:
                learner.drop(failure)
        return _going(learners)

    def _furthest_behind(self) -> list[Learner]:
        """Those in the earliest epoch that somebody is in."""
        running = [learner for learner in _going(self.learners) if not learner.finished]
        epoch = min((learner.cursor.epoch for learner in running), default=0)
        return [learner for learner in running if learner.cursor.epoch == epoch]

    def _epoch(self, members: list[Learner], advance: Callable[[int], None]) -> None:
        """Finish the epoch that the members are in."""
        start = min(member.cursor.batch for member in members)
        kept = asked = time.monotonic()
        for batch, acts_bd in enumerate(
            self.stream.batches(members[0].cursor.epoch, start=start), start
        ):
            waited = time.monotonic() - asked
            taking = [m for m in members if m.cursor.batch == batch]
            taken = self._each(taking, partial(Learner.step, acts_bd=acts_bd, waited=waited))
            if not _going(members):
                return
            advance(1)
            overdue = time.monotonic() - kept >= 60 * self.checkpoint_minutes
            keep = self.comm.any_flag(asked_to_stop() or overdue)
            kept = time.monotonic() if keep else kept
            due = [m for m in taken if keep or m.cursor.step % self.checkpoint_every == 0]
            self._each(due, Learner.save)
            if keep:
                self._stop_if_asked()
            asked = time.monotonic()
        self._each(members, Learner.end_epoch)

    def _stop_if_asked(self) -> None:
        """Stop in all processes when a signal has reached one of them."""
        stop = self.comm.any_flag(asked_to_stop())
        stop_if_asked()
        if stop:
            raise Interrupted(signal.SIGTERM)


def _going(learners: Sequence[Learner]) -> list[Learner]:
    """Those that have not failed."""
    return [learner for learner in learners if learner.failure is None]
