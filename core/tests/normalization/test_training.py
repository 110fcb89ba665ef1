"""Methods see normalised rows, in the order of raw ones, and only they do."""

import attrs
import pytest
import torch

from traits_core.normalization.stream import NormalizedStream

ROWS_ND = torch.randn(40, 6, generator=torch.Generator().manual_seed(0)) + 9


@attrs.frozen
class TwoBatches:
    """Yields rows in an order that the epoch decides, and says when it was closed."""

    closed: list
    batches_per_epoch: int = 5

    def batches(self, epoch, start=0):
        try:
            yield from torch.split(ROWS_ND.roll(epoch, 0), 8)[start:]
        finally:
            self.closed.append(epoch)


@pytest.mark.parametrize("start", [0, 3])
def test_a_stream_yields_the_same_batches_normalised(fitted, start):
    normalizer = fitted("standardize", ROWS_ND)
    stream = NormalizedStream(TwoBatches([]), normalizer)
    found = torch.cat(list(stream.batches(2, start)))
    assert torch.equal(found, normalizer(ROWS_ND.roll(2, 0))[start * 8 :])
    assert stream.batches_per_epoch == 5


def test_a_stream_that_is_left_early_is_closed(fitted):
    closed = []
    batches = NormalizedStream(TwoBatches(closed), fitted("center", ROWS_ND)).batches(4)
    next(batches)
    del batches
    assert closed == [4]
