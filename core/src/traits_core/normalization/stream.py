"""A stream of training batches that a normaliser has seen before the method does."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from torch import Tensor

from traits_core.normalization.normalizer import Normalizer
from traits_core.streaming.stream import BatchStream


@attrs.frozen(eq=False)
class NormalizedStream:
    """The batches of `stream`, normalised on the device that they are yielded on."""

    stream: BatchStream
    normalizer: Normalizer

    @property
    def batches_per_epoch(self) -> int:
        """Batches of one epoch, the short last one included."""
        return self.stream.batches_per_epoch

    def batches(self, epoch: int, start: int = 0) -> Iterator[Tensor]:
        """Yield the float32 batches [B, D] of one epoch, from batch `start` on."""
        return map(self.normalizer, self.stream.batches(epoch, start))
