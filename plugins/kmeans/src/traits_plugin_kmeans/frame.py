"""Where k-means measures distances: activations or their directions, less a fixed shift."""

from __future__ import annotations

from typing import Self

import attrs
import torch
from torch import Tensor

from traits_core import centred


def unit_rows(acts_bd: Tensor) -> Tensor:
    """Rows [B, D] of length 1, float32 or float64; zero rows stay zero."""
    acts_bd = acts_bd if acts_bd.dtype == torch.float64 else acts_bd.float()
    largest_b1 = acts_bd.abs().amax(dim=1, keepdim=True)
    scaled_bd = acts_bd / largest_b1.clamp(min=torch.finfo(torch.float32).tiny)
    lengths_b1: Tensor = torch.linalg.vector_norm(scaled_bd, dim=1, keepdim=True)
    return scaled_bd / lengths_b1.clamp(min=1)  # only zero rows are shorter than 1


@attrs.frozen(eq=False)
class Frame:
    """Where distances are measured: activations, or their directions, less a fixed shift.

    A shift changes no distance, and saves the digits that a mean takes which is large against the
    spread. Of directions, |u - c|^2 = 2 (1 - cos).

    Parameters
    ----------
    shift_d: float32, subtracted from rows
    spherical: compare directions: rows and centroids are scaled to length 1 first
    """

    shift_d: Tensor
    spherical: bool

    @classmethod
    def of(cls, sample_nd: Tensor, spherical: bool) -> Self:
        """The frame with the mean of a sample [N, D] as its shift."""
        rows_nd = unit_rows(sample_nd) if spherical else sample_nd
        return cls(rows_nd.mean(dim=0, dtype=torch.float64).float(), spherical)

    def rows(self, acts_bd: Tensor) -> Tensor:
        """New float32 rows [B, D] of the frame."""
        return centred(unit_rows(acts_bd) if self.spherical else acts_bd, self.shift_d)

    def centroids(self, means_kd: Tensor) -> Tensor:
        """The centroids [K, D] that means of rows stand for: on the sphere where rows are."""
        if not self.spherical:
            return means_kd
        return unit_rows(means_kd + self.shift_d) - self.shift_d
