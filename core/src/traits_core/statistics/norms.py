"""How long the rows are: exact quantiles of few rows, a histogram in logarithmic bins of many."""

from __future__ import annotations

import math
from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_core.statistics.moments import tiles

KEPT: Final = 65_536
"""Rows up to which quantiles are exact."""
RELATIVE_ERROR: Final = 2.0**-8
"""Most that a quantile of more rows is off by."""
_BITS: Final = 16
_BINS: Final = 0x7F80
"""float32 numbers by their upper 16 bits: 128 bins for each factor of two, infinity left out."""


def row_norms(rows_nd: Tensor) -> Tensor:
    """Euclidean length of each row [N, D]: float64 [N]."""
    return torch.cat(
        [torch.linalg.vector_norm(tile_nd.double(), dim=1) for tile_nd in tiles(rows_nd)]
    )


@attrs.frozen(kw_only=True, eq=False)
class Norms:
    """The distribution of the lengths of rows; two merge into that of all their rows.

    Parameters
    ----------
    counts_b: rows per bin, int64
    values_n: every length as float32, in ascending order; empty when there are more than 65,536
    """

    counts_b: Tensor
    values_n: Tensor

    @classmethod
    def of(cls, norms_n: Tensor) -> Self:
        """The distribution of finite lengths [N]."""
        values_n = norms_n.clamp(max=torch.finfo(torch.float32).max).float()
        bins_n = values_n.view(torch.int32) >> _BITS
        return cls(
            counts_b=torch.bincount(bins_n, minlength=_BINS),
            values_n=_kept(values_n),
        )

    def merge(self, other: Self) -> Self:
        """The distribution over the rows of both."""
        counts_b = self.counts_b + other.counts_b
        values_n = torch.cat([self.values_n, other.values_n])
        whole = len(values_n) == int(counts_b.sum())
        return attrs.evolve(
            self, counts_b=counts_b, values_n=_kept(values_n) if whole else values_n[:0]
        )

    @property
    def n(self) -> int:
        """How many rows there are."""
        return int(self.counts_b.sum())

    @property
    def n_zero(self) -> int:
        """How many rows are zero (or shorter than 1e-40)."""
        return int(self.counts_b[0])

    @property
    def relative_error(self) -> float:
        """The most that a quantile is off by, relative to itself."""
        return 0.0 if len(self.values_n) == self.n else RELATIVE_ERROR

    def quantile(self, q: float) -> float:
        """The smallest length that at least a part `q` of the rows does not exceed, q in [0, 1]."""
        rank = max(1, math.ceil(q * self.n))
        if not self.relative_error:
            return float(self.values_n[rank - 1])
        place = int(torch.searchsorted(self.counts_b.cumsum(0), rank))
        middle = torch.tensor((place << _BITS) + (1 << (_BITS - 1)), dtype=torch.int32)
        return float(middle.view(torch.float32)) if place else 0.0


def _kept(values_n: Tensor) -> Tensor:
    return values_n.sort().values if len(values_n) <= KEPT else values_n[:0].clone()
