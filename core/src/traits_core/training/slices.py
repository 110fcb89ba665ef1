"""The part of every batch that one of several processes takes."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from torch import Tensor

from traits_core.protocols import Comm
from traits_core.streaming.stream import BatchStream


@attrs.frozen(eq=False)
class SlicedStream:
    """The rows of each batch of `stream` that are for this process: every n-th of `n` processes.

    All processes make the same steps, on the rows that one process would have taken: so the number
    of processes changes no result, save for rounding. Every row goes to one process. Parts differ by
    a row at most; a batch of fewer rows than processes leaves some with a part of no rows.
    """

    stream: BatchStream
    comm: Comm

    @property
    def batches_per_epoch(self) -> int:
        """Batches of one epoch, the same for all processes."""
        return self.stream.batches_per_epoch

    def batches(self, epoch: int, start: int = 0) -> Iterator[Tensor]:
        """Yield the part [b, D] of each batch of one epoch, from batch `start` on."""
        for acts_bd in self.stream.batches(epoch, start):
            yield acts_bd[self.comm.rank :: self.comm.world_size].contiguous()
