"""One method in a pass over the stream: its place there, its checkpoints, its record."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np
import torch

from traits_core.errors import DataError, TraitsError
from traits_core.progress import Progress
from traits_core.protocols import Comm, Method
from traits_core.records import Histogram
from traits_core.tracking.metrics import MetricsLog
from traits_core.training.checkpoint import Checkpoints, Cursor

if TYPE_CHECKING:
    from torch import Tensor

BINS: Final = 64


@attrs.define(kw_only=True, eq=False)
class Learner:
    """A method that is being trained, from its last checkpoint on.

    Parameters
    ----------
    name: stands before what is told of it, when several are trained; else empty
    method: freshly built
    sample: draws that many random rows [N, D] for `initialize`
    checkpoints: where its state is kept
    log: the record of metrics, which rank 0 writes; rewound when training resumes
    comm: the processes that train it together; a `FateComm` for one of several learners
    progress: told about each epoch
    cursor: where it is in the stream
    failure: why it does not go on, when it is dropped
    """

    name: str
    method: Method
    sample: Callable[[int], Tensor]
    checkpoints: Checkpoints
    log: MetricsLog
    comm: Comm
    progress: Progress
    cursor: Cursor = attrs.field(init=False, factory=Cursor)
    failure: TraitsError | None = attrs.field(init=False, default=None)

    def begin(self) -> None:
        """Restore the last checkpoint, or initialize the method and write the first one."""
        cursor = self.checkpoints.restore(self.method)
        if cursor is None:
            sample_nd = self.sample(max(1, self.method.sample_rows))
            if len(sample_nd) > 1:  # one is what a method asks for that looks at none
                self._say(f"initialize from {len(sample_nd):,} rows")
            self.method.initialize(sample_nd)
            self.save()
        else:
            self.cursor = cursor
            if cursor.step:
                self._say(f"resumed at epoch {cursor.epoch + 1}, step {cursor.step}")
        if self.comm.rank == 0:
            self.log.rewind(self.cursor.step)

    @property
    def finished(self) -> bool:
        """True when no process wants a further epoch."""
        return self.comm.any_flag(self.method.done) or self.cursor.epoch >= self.method.max_epochs

    def step(self, acts_bd: Tensor, waited: float) -> None:
        """Learn from the batch [B, D] at the cursor, which it took `waited` seconds to come by."""
        began = time.monotonic() - waited
        metrics = dict(self.method.update(acts_bd))
        seconds = time.monotonic() - began
        metrics["rows_per_second"] = len(acts_bd) * self.comm.world_size / max(seconds, 1e-9)
        cursor = self.cursor
        self.cursor = attrs.evolve(
            cursor,
            batch=cursor.batch + 1,
            step=cursor.step + 1,
            seconds=cursor.seconds + seconds,
        )
        self._record("step", metrics)

    def end_epoch(self) -> None:
        """Finish a pass over all rows, with a checkpoint."""
        began = time.monotonic()
        metrics = dict(self.method.end_epoch())
        metrics["peak_bytes"] = float(_peak_bytes())
        cursor = self.cursor
        self.cursor = attrs.evolve(
            cursor,
            epoch=cursor.epoch + 1,
            batch=0,
            seconds=cursor.seconds + time.monotonic() - began,
        )
        shown = _shown(self._record("epoch", metrics))
        self.save()
        self._say(f"epoch {self.cursor.epoch}/{self.method.max_epochs}: {shown}")

    def save(self) -> None:
        """Write a checkpoint of where it is."""
        self.checkpoints.save(self.method, self.cursor)

    def drop(self, failure: TraitsError) -> None:
        """Leave the pass; the checkpoints stay."""
        self.failure = failure
        self._say(f"dropped, the others go on: {failure}")

    def _record(self, kind: str, found: Mapping[str, float | Tensor]) -> dict[str, float]:
        """Log what the method has found, and return the numbers among it."""
        cursor = self.cursor
        metrics = {name: v for name, v in found.items() if not isinstance(v, torch.Tensor)}
        bad = [name for name, value in found.items() if torch.as_tensor(value).isnan().any()]
        if bad:
            raise DataError(
                f"step {cursor.step}: {', '.join(bad)} is NaN; the last good checkpoint is in "
                f"{self.checkpoints.directory}"
            )
        if self.comm.rank == 0:
            histograms = {
                name: _histogram(v) for name, v in found.items() if isinstance(v, torch.Tensor)
            }
            place = cursor.step, cursor.epoch, cursor.seconds
            self.log.append(kind, *place, metrics, histograms)
        return metrics

    def _say(self, text: str) -> None:
        self.progress.say(f"  {self.name}: {text}" if self.name else f"  {text}")


def _shown(metrics: Mapping[str, float]) -> str:
    """The metrics that a method names first: a line has room for three."""
    return ", ".join(f"{name} {value:.5g}" for name, value in islice(metrics.items(), 3))


def _histogram(values: Tensor) -> Histogram:
    """Count the values in 64 equal bins from the least to the largest."""
    counts, edges = np.histogram(values.detach().cpu().double().numpy(), bins=BINS)
    return Histogram(low=float(edges[0]), high=float(edges[-1]), counts=tuple(counts.tolist()))


def _peak_bytes() -> int:
    """Most memory that this process has held: on the GPU when there is one, else resident."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts KiB
