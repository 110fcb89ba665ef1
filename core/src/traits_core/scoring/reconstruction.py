"""How much of activations is in what a scorer reconstructs of them: sums over rows, and what they say."""

from __future__ import annotations

from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_core.errors import DataError
from traits_core.protocols import Comm

ROUNDING: Final = 1e-14
"""What is left of a float64 sum after a subtraction counts as none below this part of it."""


@attrs.frozen(kw_only=True)
class Reconstruction:
    """Errors of reconstructions x' of activations x, over all rows.

    Activations that are all equal have no variance to explain: it is then 1 for a perfect
    reconstruction and 0 for any other, as in scikit-learn's `r2_score`.

    Parameters
    ----------
    rows: number of activations
    mse: mean of (x' - x)^2 over rows and dimensions
    explained_variance: 1 - SSE / SST, with SST about the mean of each dimension
    explained_variance_elementwise: 1 - Var(x' - x) / Var(x), each over all elements about one mean;
        blind to a constant error, and flattered by means that differ between dimensions
    normalized_mse: SSE / SST, the error beside that of always saying the mean
    """

    rows: int
    mse: float
    explained_variance: float
    explained_variance_elementwise: float
    normalized_mse: float


@attrs.frozen(eq=False)
class Deviations:
    """Sums over rows [N, D] of what they are beyond a fixed row; float64, so that they may be added.

    Parameters
    ----------
    sum_d, squares_d: of the deviations and their squares
    """

    sum_d: Tensor
    squares_d: Tensor

    @classmethod
    def like(cls, row_d: Tensor) -> Self:
        """Those of no rows, as wide as `row_d` and on its device."""
        return cls(*row_d.new_zeros(2, len(row_d), dtype=torch.float64))

    @classmethod
    def of(cls, rows_bd: Tensor) -> Self:
        """Those of float64 rows [B, D] from 0."""
        deviations = cls.like(rows_bd[0])
        deviations.add(rows_bd)
        return deviations

    def add(self, rows_bd: Tensor) -> None:
        """Take in float64 deviations [B, D]."""
        self.sum_d.add_(rows_bd.sum(dim=0))
        self.squares_d.add_(torch.einsum("bd,bd->d", rows_bd, rows_bd))

    def about_means(self, n: float) -> float:
        """Sum of squares about the mean of each dimension."""
        squares_d = self.squares_d - self.sum_d.square() / n
        return float(squares_d.masked_fill_(squares_d <= ROUNDING * self.squares_d, 0).sum())


def _wide(row_d: Tensor) -> Tensor:
    return row_d.detach().double()


@attrs.frozen(eq=False)
class ReconstructionSums:
    """Sums from which `Reconstruction` follows; they add up over batches and processes.

    Memory: 5 D values, and float64 copies of a batch.

    Parameters
    ----------
    reference_d: subtracted before anything is summed up, so that a mean far larger than the spread
        costs no digits: an activation, and the same one in all processes
    """

    reference_d: Tensor = attrs.field(converter=_wide)
    n: Tensor = attrs.field(init=False)
    activations: Deviations = attrs.field(init=False)
    residuals: Deviations = attrs.field(init=False)

    @n.default
    def _no_rows(self) -> Tensor:
        return self.reference_d.new_zeros(())

    @activations.default
    @residuals.default
    def _none(self) -> Deviations:
        return Deviations.like(self.reference_d)

    @torch.no_grad()
    def add(self, acts_bd: Tensor, reconstructed_bd: Tensor) -> None:
        """Take in activations [B, D] and their reconstructions; raises DataError for other shapes."""
        shapes = tuple(acts_bd.shape), tuple(reconstructed_bd.shape)
        if shapes[0] != shapes[1] or shapes[0][1:] != self.reference_d.shape:
            raise DataError(
                f"activations {shapes[0]} with reconstructions {shapes[1]}: both must be "
                f"(rows, {len(self.reference_d)})"
            )
        wide_bd = acts_bd.double()
        self.n.add_(len(acts_bd))
        self.residuals.add(reconstructed_bd.double() - wide_bd)
        self.activations.add(wide_bd - self.reference_d)

    def all_sum(self, comm: Comm) -> None:
        """Replace the sums, in place, by those over all processes."""
        acts, errors = self.activations, self.residuals
        comm.all_sum(self.n, acts.sum_d, acts.squares_d, errors.sum_d, errors.squares_d)

    def measured(self) -> Reconstruction:
        """What the rows so far say; raises DataError when there are none."""
        n, d_model = float(self.n), len(self.reference_d)
        if n == 0:
            raise DataError("no activations were reconstructed: there must be at least one")
        sse = float(self.residuals.squares_d.sum())
        sst, unexplained = self.activations.about_means(n), self.residuals.about_means(n)
        mean_d = self.reference_d + self.activations.sum_d / n
        between, mean_errors = _spread(mean_d), _spread(self.residuals.sum_d / n)
        return Reconstruction(
            rows=round(n),
            mse=sse / (n * d_model),
            explained_variance=1 - _part(sse, sst),
            explained_variance_elementwise=1
            - _part(unexplained + n * mean_errors, sst + n * between),
            normalized_mse=_part(sse, sst),
        )


def _spread(values_d: Tensor) -> float:
    """Sum of squared deviations from the mean."""
    return Deviations.of((values_d - values_d[0])[:, None]).about_means(len(values_d))


def _part(error: float, total: float) -> float:
    """`error / total`; of a total of 0, no error is no part, and any error is the whole."""
    if total == 0:
        return float(error > 0)
    return error / total
