"""Which value exactly n are at least, over processes; and above which value k per row have been of late."""

from __future__ import annotations

from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_core import Comm

DIGITS: Final = ((20, 11), (9, 11), (0, 9))  # shift and width; together the 31 bits below the sign
BIN_BITS: Final = 16  # bins of the sketch are 2^-7 of their value wide
N_BINS: Final = 1 << 15
MEMORY: Final = 16.0  # batches that the sketch remembers


def nth_largest(values_e: Tensor, n: int, comm: Comm) -> float:
    """The n-th largest of all processes' values, which are at least 0; 0 when there are fewer.

    Positive floats are ordered as their bits, so three histograms of digits find it exactly.
    """
    bits_e = values_e.view(torch.int32)
    found = 0
    for shift, width in DIGITS:
        digits_e = bits_e >> shift
        here_e = digits_e[digits_e >> width == found] & ((1 << width) - 1)
        counts = here_e.bincount(minlength=1 << width)
        comm.all_sum(counts)
        above = counts.flip(0).cumsum(0)
        if n > int(above[-1]):
            return 0.0
        place = int(torch.searchsorted(above, n))
        n -= int(above[place]) - int(counts[-1 - place])
        found = (found << width) | ((1 << width) - 1 - place)
    return float(torch.tensor(found, dtype=torch.int32).view(torch.float32))


@attrs.frozen(eq=False)
class Sketch:
    """How many positive values per row lie in each bin of value, over the last batches.

    Parameters
    ----------
    counts_v: float64, a bin per float32 value to 7 binary digits
    n_rows: float64, 0-d
    """

    counts_v: Tensor
    n_rows: Tensor

    @classmethod
    def empty(cls, device: torch.device) -> Self:
        """No rows."""
        return cls(
            torch.zeros(N_BINS, dtype=torch.float64, device=device),
            torch.zeros((), dtype=torch.float64, device=device),
        )

    def state(self) -> dict[str, Tensor]:
        """The live counts."""
        return {"sketch.counts_v": self.counts_v, "sketch.n_rows": self.n_rows}

    def clear(self) -> None:
        """Forget all rows."""
        for tensor in self.state().values():
            tensor.zero_()

    def observe(self, values_e: Tensor, n_rows: int, comm: Comm) -> None:
        """Count the values of a batch, at least 0, of `n_rows` rows over all processes."""
        counts_v = (values_e.view(torch.int32) >> BIN_BITS).bincount(minlength=N_BINS)
        comm.all_sum(counts_v)
        self.counts_v.mul_(1 - 1 / MEMORY).add_(counts_v)
        self.n_rows.mul_(1 - 1 / MEMORY).add_(n_rows)

    def threshold(self, k: float) -> float:
        """The value that `k` per row are above; 0 when fewer are positive."""
        wanted = k * float(self.n_rows)
        above_v = self.counts_v[1:].flip(0).cumsum(0)
        if not 0 < wanted <= float(above_v[-1]):
            return 0.0
        place = int(torch.searchsorted(above_v, wanted))
        bin_ = N_BINS - 1 - place
        lower, upper = (_lower_edge(each) for each in (bin_, bin_ + 1))
        part = (float(above_v[place]) - wanted) / float(self.counts_v[bin_])
        return lower + part * (upper - lower)


def _lower_edge(bin_: int) -> float:
    return float(torch.tensor(bin_ << BIN_BITS, dtype=torch.int32).view(torch.float32))
