"""How long the rows are at each position of an example: attention sinks stand out."""

from __future__ import annotations

from typing import Self

import attrs
import torch
from torch import Tensor


@attrs.frozen(kw_only=True, eq=False)
class PositionNorms:
    """Sum of the lengths of rows, float64 [P], and their number, int64 [P], at each position."""

    sums_p: Tensor
    counts_p: Tensor

    @classmethod
    def of(cls, norms_n: Tensor, first_row: int, positions: int) -> Self:
        """Those of consecutive rows [N] from `first_row` on, `positions` rows an example."""
        places_n = torch.arange(first_row, first_row + len(norms_n)) % positions
        return cls(
            sums_p=torch.bincount(places_n, weights=norms_n.double(), minlength=positions),
            counts_p=torch.bincount(places_n, minlength=positions),
        )

    def merge(self, other: Self) -> Self:
        """Those of the rows of both."""
        return attrs.evolve(
            self, sums_p=self.sums_p + other.sums_p, counts_p=self.counts_p + other.counts_p
        )

    @property
    def mean_p(self) -> Tensor:
        """Mean length [P] at each position; NaN where no row was seen."""
        return self.sums_p / self.counts_p
