"""The loop that every method shares: sample, epochs, batches, checkpoints, metrics."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import attrs
import torch

from traits_core.errors import DataError
from traits_core.interruption import asked_to_stop, deferring_signals, stop_if_asked
from traits_core.progress import Progress
from traits_core.protocols import Method
from traits_core.tracking.metrics import MetricsLog
from traits_core.training.checkpoint import Cursor, restore_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from torch import Tensor


class BatchStream(Protocol):
    """Every training row once per epoch; the same batches for the same epoch."""

    @property
    def batches_per_epoch(self) -> int: ...

    def batches(self, epoch: int, start: int = 0) -> Iterator[Tensor]:
        """The float32 batches [B, D] of one epoch, from batch `start` on."""


@attrs.frozen(kw_only=True)
class Loop:
    """Trains one method on one stream, from its last checkpoint on.

    A run that was interrupted and started again ends bit for bit where an uninterrupted one does,
    on one thread. A signal that asks to stop ends it after the step, with a checkpoint. Memory: the method's state, one window of the stream, two batches.

    Parameters
    ----------
    method: freshly built
    stream: yields float32 batches [B, D] on the method's device
    sample: draws that many random rows [N, D] for `initialize`
    checkpoints: directory that they are kept in
    checkpoint_every: steps between checkpoints; there is one after each epoch too
    log: the record of metrics; rewound to the checkpoint when training resumes
    progress: told about each epoch
    """

    method: Method
    stream: BatchStream
    sample: Callable[[int], Tensor]
    checkpoints: Path
    checkpoint_every: int
    log: MetricsLog
    progress: Progress

    def run(self) -> Cursor:
        """Train until the method is done, and return where that was."""
        cursor = restore_checkpoint(self.checkpoints, self.method)
        if cursor is None:
            sample_nd = self.sample(max(1, self.method.sample_rows))
            self.progress.say(f"  initialize from {len(sample_nd):,} rows")
            self.method.initialize(sample_nd)
            cursor = Cursor()
            save_checkpoint(self.checkpoints, self.method, cursor)
        elif cursor.step:
            self.progress.say(f"  resumed at epoch {cursor.epoch + 1}, step {cursor.step}")
        self.log.rewind(cursor.step)
        per_epoch, epochs = self.stream.batches_per_epoch, self.method.max_epochs
        done = cursor.epoch * per_epoch + cursor.batch
        with (
            self.progress.track("training", epochs * per_epoch, "batches", done) as advance,
            deferring_signals(patient=True),
        ):
            while not self.method.done and cursor.epoch < epochs:
                cursor = self._epoch(cursor, advance)
        return cursor

    def _epoch(self, cursor: Cursor, advance: Callable[[int], None]) -> Cursor:
        """Finish the epoch that the cursor is in."""
        clock = time.monotonic() - cursor.seconds
        for acts_bd in self.stream.batches(cursor.epoch, start=cursor.batch):
            began = time.monotonic()
            metrics = dict(self.method.update(acts_bd))
            now = time.monotonic()
            metrics["rows_per_second"] = len(acts_bd) / max(now - began, 1e-9)
            cursor = attrs.evolve(
                cursor, batch=cursor.batch + 1, step=cursor.step + 1, seconds=now - clock
            )
            self._record("step", cursor, metrics)
            advance(1)
            if cursor.step % self.checkpoint_every == 0 or asked_to_stop():
                save_checkpoint(self.checkpoints, self.method, cursor)
            stop_if_asked()
        metrics = dict(self.method.end_epoch())
        metrics["peak_bytes"] = float(_peak_bytes())
        cursor = attrs.evolve(
            cursor, epoch=cursor.epoch + 1, batch=0, seconds=time.monotonic() - clock
        )
        self._record("epoch", cursor, metrics)
        save_checkpoint(self.checkpoints, self.method, cursor)
        self.progress.say(f"  epoch {cursor.epoch}/{self.method.max_epochs}: {_shown(metrics)}")
        return cursor

    def _record(self, kind: str, cursor: Cursor, metrics: Mapping[str, float]) -> None:
        bad = [name for name, value in metrics.items() if value != value]
        if bad:
            raise DataError(
                f"step {cursor.step}: {', '.join(bad)} is NaN; the last good checkpoint is in "
                f"{self.checkpoints}"
            )
        self.log.append(kind, cursor.step, cursor.epoch, cursor.seconds, metrics)


def _shown(metrics: Mapping[str, float]) -> str:
    """The metrics that a method names first: a line has room for three."""
    return ", ".join(f"{name} {value:.5g}" for name, value in islice(metrics.items(), 3))


def _peak_bytes() -> int:
    """Most memory that this process has held: on the GPU when there is one, else resident."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts KiB
