"""Principal components with their variances: how many are kept, and which sign they have."""

from __future__ import annotations

from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_core import DataError

RESOLUTION: Final = torch.finfo(torch.float32).eps
"""Variances below this fraction of the largest are rounding errors of float32 products."""

TIE: Final = 1e-5
"""Magnitudes that differ by less than this fraction count as equal when signs are chosen."""


@attrs.frozen(eq=False)
class Spectrum:
    """Orthonormal directions in falling order of the variance along them.

    Parameters
    ----------
    components_kd: the directions; there may be fewer of them than variances
    variances_j: float64 [J], at least 0: of all D directions, or of the leading ones when randomized
    total_variance: of all D directions together
    n_rows: activations that these were computed from
    """

    components_kd: Tensor
    variances_j: Tensor
    total_variance: float
    n_rows: int

    @classmethod
    def of(
        cls, variances_j: Tensor, components_jd: Tensor, total_variance: float, n_rows: int
    ) -> Self:
        """A spectrum of eigenvalues in falling order; raises DataError when there is no variance."""
        if n_rows < 2 or not total_variance > 0 or not variances_j[0] > 0:
            raise DataError(
                f"PCA found no variance in {n_rows} rows: it needs two that differ; "
                "look for constant activations"
            )
        return cls(components_jd, variances_j.clamp(min=0), total_variance, n_rows)

    @property
    def explained_j(self) -> Tensor:
        """The fraction [J] of the variance that the first 1, 2, ... J components explain together."""
        return (self.variances_j.cumsum(dim=0) / self.total_variance).clamp(max=1)

    @property
    def noise_variance(self) -> float:
        """The mean variance along the directions that are not kept; 0 when all are.

        Tipping & Bishop, Probabilistic principal component analysis, JRSS B 61 (1999), eq. 8.
        """
        n, d_model = self.components_kd.shape
        rest = self.total_variance - float(self.variances_j[:n].sum())
        return max(rest, 0.0) / (d_model - n) if n < d_model else 0.0

    def rank(self) -> int:
        """How many components have a variance that is no rounding error."""
        real = int((self.variances_j > RESOLUTION * self.variances_j[0]).sum())
        return min(real, self.n_rows - 1)

    def truncated(self, at_most: int | None, explained: float | None) -> Self:
        """Keep the leading components, with float32 directions and fixed signs, and all variances.

        Parameters
        ----------
        at_most: components at most, None for no bound; those without variance are never kept
        explained: when given, keep the fewest that explain this fraction, or all that are allowed
        """
        n = self.rank() if at_most is None else min(at_most, self.rank())
        if explained is not None:
            n = min(n, int((self.explained_j < explained).sum()) + 1)
        return attrs.evolve(self, components_kd=with_fixed_signs(self.components_kd[:n]).float())


def with_fixed_signs(components_kd: Tensor) -> Tensor:
    """Turn each component so that its entry of largest magnitude is positive, the first of equals.

    This is the rule of scikit-learn's `svd_flip`, made stable: which of two magnitudes is larger is
    not left to a rounding error.
    """
    magnitudes_kd = components_kd.abs()
    largest_k = magnitudes_kd.amax(dim=1, keepdim=True)
    first_k = (magnitudes_kd >= (1 - TIE) * largest_k).byte().argmax(dim=1, keepdim=True)
    return components_kd * components_kd.gather(1, first_k).sign()
