"""The randomized way, for activations too wide for their covariance: a subspace, improved per pass."""

from __future__ import annotations

from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_plugin_pca.spectrum import RESOLUTION, Spectrum

OVERSAMPLING: Final = 32
"""Directions beyond those asked for: they carry what would blur the last components."""


@attrs.frozen(eq=False)
class Sketch:
    """The covariance C seen through a basis Q of few directions: one pass adds up C Q.

    Each pass takes the orthonormalised C Q of the pass before as its basis (subspace iteration), and
    its result is the Nystrom approximation C Q (Q' C Q)^-1 (C Q)', whose eigenvectors are the
    components. Halko, Martinsson & Tropp, Finding structure with randomness, SIAM Review 53 (2011),
    algorithms 4.4 and 5.5.

    Parameters
    ----------
    n_rows: int64
    sum_d: float64 sum of the rows, which are centred by a fixed shift near their mean
    squares: float64 sum of their squared norms
    image_dl: float64 sum of x (x.Q) over the rows x
    basis_dl: Q, float32, fixed during a pass
    """

    n_rows: Tensor
    sum_d: Tensor
    squares: Tensor
    image_dl: Tensor
    basis_dl: Tensor

    @classmethod
    def start(cls, d_model: int, n_components: int, device: torch.device) -> Self:
        """A sketch of no rows; its basis is always the same random one, so that the seed has no say."""
        width = min(d_model, n_components + OVERSAMPLING)
        generator = torch.Generator().manual_seed(0)
        normals_dl = torch.randn(d_model, width, generator=generator, dtype=torch.float64)
        return cls(
            torch.zeros((), dtype=torch.int64, device=device),
            torch.zeros(d_model, dtype=torch.float64, device=device),
            torch.zeros((), dtype=torch.float64, device=device),
            torch.zeros(d_model, width, dtype=torch.float64, device=device),
            torch.linalg.qr(normals_dl).Q.float().to(device),
        )

    def tensors(self) -> dict[str, Tensor]:
        """The live tensors by name."""
        return attrs.asdict(self, recurse=False)

    def additive(self) -> tuple[Tensor, ...]:
        """The live tensors that processes add up; they share the basis."""
        return (self.n_rows, self.sum_d, self.squares, self.image_dl)

    def add(self, rows_bd: Tensor) -> None:
        """Add centred float32 rows [B, D]."""
        self.n_rows.add_(len(rows_bd))
        self.sum_d.add_(rows_bd.sum(dim=0))
        self.squares.add_(torch.linalg.vector_norm(rows_bd, dim=1).double().square().sum())
        self.image_dl.add_(rows_bd.T @ (rows_bd @ self.basis_dl))

    def restart(self) -> None:
        """Take the orthonormalised image as the next basis, and forget all rows.

        Directions without variance are replaced by arbitrary orthonormal ones.
        """
        self.basis_dl.copy_(torch.linalg.qr(self._covariance_image()).Q)
        for tensor in self.additive():
            tensor.zero_()

    def mean_d(self) -> Tensor:
        """The float64 mean of the centred rows; 0 when there are none."""
        return self.sum_d / self.n_rows.clamp(min=1)

    def total_variance(self) -> float:
        """The trace of the covariance; 0 for a single row."""
        squares = self.squares - self.n_rows * self.mean_d().square().sum()
        return max(float(squares), 0.0) / max(int(self.n_rows) - 1, 1)

    def spectrum(self) -> Spectrum:
        """The leading components; raises DataError when the rows do not vary."""
        image_dl = self._covariance_image()
        inner_ll = self.basis_dl.double().T @ image_dl
        values_l, vectors_ll = torch.linalg.eigh((inner_ll + inner_ll.T) / 2)
        real = values_l > RESOLUTION * values_l[-1].clamp(min=0)
        root_dj = image_dl @ (vectors_ll[:, real] / values_l[real].sqrt())
        if not root_dj.shape[1]:
            root_dj = image_dl  # all 0: `Spectrum.of` refuses it
        components_dj, deviations_j, _ = torch.linalg.svd(root_dj, full_matrices=False)
        total = self.total_variance()
        return Spectrum.of(deviations_j.square(), components_dj.T, total, int(self.n_rows))

    def _covariance_image(self) -> Tensor:
        """C Q, float64 [D, L]."""
        mean_d = self.mean_d()
        shared_l = mean_d @ self.basis_dl.double()
        image_dl = self.image_dl - self.n_rows * torch.outer(mean_d, shared_l)
        return image_dl / (self.n_rows - 1).clamp(min=1)
