"""The maps that a normaliser can be: of single rows, fixed, float32 out, the input left alone."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import torch
from torch import Tensor

from traits_core.statistics.moments import tiles

Inverse = Callable[[Tensor, Tensor], Tensor]
"""Normalised rows [B, D], and the activations [B, D] that they belong to, back to float32 activations."""


@attrs.frozen(kw_only=True, eq=False)
class Scaling:
    """x -> (x - shift) * scale, with `shift_d` float64 [D] and `scale_d` float32 [D]."""

    shift_d: Tensor
    scale_d: Tensor

    def __call__(self, acts_bd: Tensor) -> Tensor:
        return _shifted(acts_bd, self.shift_d).mul_(self.scale_d)

    def inverse(self) -> Inverse:
        """y -> y / scale + shift."""
        return lambda rows_bd, _: (rows_bd / self.scale_d + self.shift_d).float()


@attrs.frozen(kw_only=True, eq=False)
class Projection:
    """x -> (x - shift) M, with `shift_d` float64 [D] and `matrix_de` float32 [D, D]."""

    shift_d: Tensor
    matrix_de: Tensor

    def __call__(self, acts_bd: Tensor) -> Tensor:
        return _shifted(acts_bd, self.shift_d) @ self.matrix_de

    def inverse(self) -> Inverse:
        """y -> y M^-1 + shift."""
        matrix_ed = torch.linalg.inv(self.matrix_de.double()).float()
        return lambda rows_bd, _: (rows_bd @ matrix_ed + self.shift_d).float()


@attrs.frozen(eq=False)
class UnitNorm:
    """x -> x / |x|; rows of zeros stay zeros."""

    def __call__(self, acts_bd: Tensor) -> Tensor:
        return torch.cat(
            [_unit(tile_bd.to(torch.float64, copy=True)) for tile_bd in tiles(acts_bd)]
        )

    def inverse(self) -> Inverse:
        """y -> y |x|, with the length of the activation that y belongs to."""
        return lambda rows_bd, acts_bd: rows_bd * acts_bd.float().norm(dim=1, keepdim=True)


def _unit(rows_bd: Tensor) -> Tensor:
    """Scale float64 rows in place; return them in float32."""
    norms_b = torch.linalg.vector_norm(rows_bd, dim=1, keepdim=True)
    return rows_bd.div_(norms_b.masked_fill_(norms_b == 0, 1)).float()


RowMap = Scaling | Projection | UnitNorm
"""Activations [B, D] of any float dtype to float32 [B, D], row by row."""


def _shifted(acts_bd: Tensor, shift_d: Tensor) -> Tensor:
    """A new float32 `acts_bd - shift_d`, right to its last bits where the shift is far larger.

    The shift is the sum of two float32 vectors; near it, the first subtraction is exact (Sterbenz).
    """
    high_d = shift_d.float()
    return (acts_bd.float() - high_d).sub_((shift_d - high_d).float())
