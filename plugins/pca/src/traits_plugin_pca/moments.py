"""The exact way: mean and covariance, added up in one pass. Additive over batches and processes."""

from __future__ import annotations

from typing import Self

import attrs
import torch
from torch import Tensor

from traits_plugin_pca.spectrum import Spectrum

CPU_PANEL = (
    192  # columns per product: small ones skip more of the lower triangle, large ones are faster
)
GPU_PANEL = 2048


@attrs.frozen(eq=False)
class Moments:
    """Count, sum and scatter of rows that are centred by a fixed shift near their mean.

    Products are float32, of a few thousand rows at most, and added up in float64: no digits are lost
    to the number of rows nor, thanks to the shift, to the mean. Chan, Golub & LeVeque, Algorithms for computing the sample variance,
    The American Statistician 37 (1983).

    Parameters
    ----------
    n_rows: int64
    sum_d: float64 sum of the rows
    scatter_dd: float64 sum of the outer products of the rows; only the upper triangle is complete
    """

    n_rows: Tensor
    sum_d: Tensor
    scatter_dd: Tensor

    @classmethod
    def zeros(cls, d_model: int, device: torch.device) -> Self:
        """The moments of no rows."""
        return cls(
            torch.zeros((), dtype=torch.int64, device=device),
            torch.zeros(d_model, dtype=torch.float64, device=device),
            torch.zeros(d_model, d_model, dtype=torch.float64, device=device),
        )

    def tensors(self) -> dict[str, Tensor]:
        """The live tensors by name."""
        return attrs.asdict(self, recurse=False)

    def additive(self) -> tuple[Tensor, ...]:
        """The live tensors that processes add up."""
        return (self.n_rows, self.sum_d, self.scatter_dd)

    def add(self, rows_bd: Tensor) -> None:
        """Add centred float32 rows [B, D]: the panels of the scatter that touch its upper triangle."""
        d_model = len(self.sum_d)
        panel = CPU_PANEL if rows_bd.device.type == "cpu" else GPU_PANEL
        self.n_rows.add_(len(rows_bd))
        self.sum_d.add_(rows_bd.sum(dim=0))
        for start in range(0, d_model, panel):
            stop = min(start + panel, d_model)
            product_pe = rows_bd[:, start:stop].T @ rows_bd[:, start:]
            self.scatter_dd[start:stop, start:].add_(product_pe)

    def restart(self) -> None:
        """Forget all rows."""
        for tensor in self.additive():
            tensor.zero_()

    def mean_d(self) -> Tensor:
        """The float64 mean of the centred rows; 0 when there are none."""
        return self.sum_d / self.n_rows.clamp(min=1)

    def total_variance(self) -> float:
        """The trace of the covariance; 0 for a single row."""
        squares = self.scatter_dd.diagonal().sum() - self.n_rows * self.mean_d().square().sum()
        return max(float(squares), 0.0) / max(int(self.n_rows) - 1, 1)

    def spectrum(self) -> Spectrum:
        """All D principal components; raises DataError when the rows do not vary."""
        n, mean_d = int(self.n_rows), self.mean_d()
        covariance_dd = self.scatter_dd / max(n - 1, 1)
        covariance_dd.addr_(mean_d, mean_d, alpha=-n / max(n - 1, 1))
        variances_d, vectors_dd = torch.linalg.eigh(covariance_dd, UPLO="U")
        return Spectrum.of(variances_d.flip(0), vectors_dd.T.flip(0), self.total_variance(), n)
