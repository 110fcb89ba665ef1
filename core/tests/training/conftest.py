"""A method whose state tells every batch it had, a stream that counts, and a loop of both."""

import attrs
import pytest
import torch
from torch import Tensor

from traits_core import NullComm
from traits_core.progress import Silent
from traits_core.tracking.metrics import MetricsLog
from traits_core.training.checkpoint import Checkpoints
from traits_core.training.learner import Learner
from traits_core.training.loop import Loop
from traits_core.training.slices import SlicedStream

ROWS, COLUMNS, BATCH = 50, 3, 8


@attrs.define(eq=False)
class Counting:
    """Sums what it sees within an epoch, and folds the sum of all processes into its state."""

    epochs: int = 3
    seed: int = 0
    comm: NullComm = attrs.field(factory=NullComm)
    fails_at: int = -1
    sample_rows: int = 4
    updates: int = 0
    epoch: Tensor = attrs.field(factory=lambda: torch.zeros((), dtype=torch.int64))
    state_d: Tensor = attrs.field(factory=lambda: torch.zeros(COLUMNS, dtype=torch.float64))
    sums_d: Tensor = attrs.field(factory=lambda: torch.zeros(COLUMNS, dtype=torch.float64))

    @property
    def max_epochs(self):
        return self.epochs

    @property
    def done(self):
        return int(self.epoch) >= self.epochs

    def initialize(self, sample_nd):
        self.state_d += sample_nd.double().sum(dim=0) + self.seed

    def update(self, acts_bd):
        self.updates += 1
        if self.updates == self.fails_at:
            raise ConnectionError("the power is out")
        self.sums_d += acts_bd.double().sum(dim=0)
        return {"mean": float(acts_bd.mean()) if len(acts_bd) else 0.0}

    def end_epoch(self):
        self.comm.all_sum(self.sums_d)
        self.state_d = self.state_d * 1.5 + self.sums_d
        self.sums_d.zero_()
        self.epoch += 1
        return {"norm": float(self.state_d.norm()), "state": self.state_d}

    def state_dict(self):
        return {name: getattr(self, name).clone() for name in ("epoch", "state_d", "sums_d")}

    def load_state_dict(self, state):
        for name in ("epoch", "state_d", "sums_d"):
            getattr(self, name).copy_(state[name])


@attrs.define
class CountingStream:
    """Batches of numbered rows in another order each epoch; `read` has what was asked for."""

    read: list = attrs.field(factory=list)
    before_batch: object = lambda epoch, batch: None

    @property
    def batches_per_epoch(self):
        return -(-ROWS // BATCH)

    def batches(self, epoch, start=0):
        generator = torch.Generator().manual_seed(epoch)
        rows_nd = torch.randperm(ROWS * COLUMNS, generator=generator).float().view(ROWS, COLUMNS)
        for batch, acts_bd in enumerate(torch.split(rows_nd, BATCH)):
            if batch >= start:
                self.before_batch(epoch, batch)
                self.read.append((epoch, batch))
                yield acts_bd


@pytest.fixture
def counting():
    return Counting


@pytest.fixture
def stream():
    return CountingStream()


@pytest.fixture
def train():
    """Train methods, each with a directory of its own, to their end; returns the learners."""

    def run(methods, stream, comm=None, every=4, minutes=10.0):
        comm = comm or NullComm()
        learners = []
        for directory, method in methods.items():
            directory.mkdir(exist_ok=True)
            learners.append(
                Learner(
                    name="",
                    method=method,
                    sample=lambda n: torch.arange(n * COLUMNS).float().view(n, COLUMNS),
                    checkpoints=Checkpoints(directory / "checkpoints", comm),
                    log=MetricsLog(directory / "metrics.jsonl"),
                    comm=comm,
                    progress=Silent(),
                )
            )
        Loop(
            learners=learners,
            stream=SlicedStream(stream, comm) if comm.world_size > 1 else stream,
            comm=comm,
            checkpoint_every=every,
            checkpoint_minutes=minutes,
            progress=Silent(),
        ).run()
        return learners

    return run
