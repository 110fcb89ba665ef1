"""Mean, spread and range of each dimension, exact in float64 however large the mean is beside them."""

from __future__ import annotations

from functools import reduce
from typing import Final, Self

import attrs
import torch
from torch import Tensor

TILE_VALUES: Final = 1 << 17
"""Values of a tile: its float64 copy stays in the cache."""


def tiles(rows_nd: Tensor) -> tuple[Tensor, ...]:
    """The rows [N, D] in pieces of about 2^17 values."""
    return torch.split(rows_nd, max(1, TILE_VALUES // rows_nd.shape[1]))


@attrs.frozen(kw_only=True, eq=False)
class Moments:
    """What n rows say of each dimension; the moments of two sets of rows merge into those of both.

    Chan, Golub & LeVeque, Algorithms for computing the sample variance, Am. Stat. 37 (1983).

    Parameters
    ----------
    n: rows
    mean_d: float64 [D]
    squares_d: sum of the squared deviations from the mean, float64 [D]
    min_d, max_d: float64 [D]
    comoments_dd: sum of the products of deviations, float64 [D, D]; None when it was not asked for
    """

    n: int
    mean_d: Tensor
    squares_d: Tensor
    min_d: Tensor
    max_d: Tensor
    comoments_dd: Tensor | None = None

    @classmethod
    def of(cls, rows_nd: Tensor, covariance: bool = False) -> Self:
        """The moments of some rows [N, D], N >= 1, each tile in two passes.

        With `covariance`, memory is one float64 copy of the rows and D x D values.
        """
        whole = reduce(cls.merge, map(cls._of_tile, tiles(rows_nd)))
        if not covariance:
            return whole
        deviations_nd = rows_nd.double() - whole.mean_d
        return attrs.evolve(whole, comoments_dd=deviations_nd.T @ deviations_nd)

    @classmethod
    def _of_tile(cls, rows_nd: Tensor) -> Self:
        wide_nd = rows_nd.to(torch.float64, copy=True)
        mean_d = wide_nd.mean(dim=0)
        wide_nd -= mean_d
        return cls(
            n=len(rows_nd),
            mean_d=mean_d,
            squares_d=torch.einsum("nd,nd->d", wide_nd, wide_nd),
            min_d=rows_nd.amin(dim=0).double(),
            max_d=rows_nd.amax(dim=0).double(),
        )

    def merge(self, other: Self) -> Self:
        """The moments of the rows of both; without a covariance unless both have one."""
        n = self.n + other.n
        step_d = other.mean_d - self.mean_d
        weight = self.n * (other.n / n)
        comoments_dd = None
        if self.comoments_dd is not None and other.comoments_dd is not None:
            comoments_dd = self.comoments_dd + other.comoments_dd
            comoments_dd.addr_(step_d, step_d, alpha=weight)
        return attrs.evolve(
            self,
            n=n,
            mean_d=self.mean_d + step_d * (other.n / n),
            squares_d=self.squares_d + other.squares_d + step_d.square() * weight,
            min_d=torch.minimum(self.min_d, other.min_d),
            max_d=torch.maximum(self.max_d, other.max_d),
            comoments_dd=comoments_dd,
        )

    def to(self, device: torch.device | str) -> Self:
        """The same moments on `device`."""
        comoments_dd = None if self.comoments_dd is None else self.comoments_dd.to(device)
        return attrs.evolve(
            self,
            mean_d=self.mean_d.to(device),
            squares_d=self.squares_d.to(device),
            min_d=self.min_d.to(device),
            max_d=self.max_d.to(device),
            comoments_dd=comoments_dd,
        )

    @property
    def constant_d(self) -> Tensor:
        """True for dimensions [D] that have one value in all rows."""
        return self.min_d == self.max_d

    @property
    def std_d(self) -> Tensor:
        """Standard deviation [D] over all rows (divided by n); exactly 0 for constant dimensions."""
        return (self.squares_d / self.n).sqrt().masked_fill_(self.constant_d, 0)

    @property
    def covariance_dd(self) -> Tensor | None:
        """Covariance [D, D] over all rows (divided by n); exactly 0 for constant dimensions."""
        if self.comoments_dd is None:
            return None
        covariance_dd = self.comoments_dd / self.n
        covariance_dd[self.constant_d] = 0
        covariance_dd[:, self.constant_d] = 0
        return covariance_dd
