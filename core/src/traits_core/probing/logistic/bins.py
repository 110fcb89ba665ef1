"""Bins of the scores of a prototype: fine where scores are dense, ever wider towards the tails.

They follow from a centre and a scale alone, so shards that share these can be counted apart.
"""

from __future__ import annotations

from typing import Any, Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import DataError

OCTAVES: Final = 16
"""Bins of either side reach 2**16 scales from the centre; what is further away joins the last."""

MANTISSA_BITS: Final = 23
BIAS: Final = 127
TINIEST: Final = 2.0**-60


@attrs.frozen(kw_only=True, eq=False)
class Bins:
    """Log-linear bins: 1 + |score - centre| / scale is cut at equal steps within each power of two.

    Parameters
    ----------
    centre_k, scale_k: float32; the scale is a power of two and the centre a multiple of it, so that
        bins do not depend on the order in which rows were summed
    low_k, high_k: float32; infinite scores count as these
    bits: log2 of the bins per power of two
    """

    centre_k: NDArray[np.float32]
    scale_k: NDArray[np.float32]
    low_k: NDArray[np.float32]
    high_k: NDArray[np.float32]
    bits: int

    @classmethod
    def of(cls, scores_nk: NDArray[np.float32], bits: int) -> Self:
        """Centre bins on the mean of scores [rows, prototypes]; the scale is the mean deviation.

        Infinite scores will count as the lowest and highest finite one. Raises DataError for NaN.
        """
        low_k, high_k = finite_range(scores_nk)
        scores_nk = clip_infinite(scores_nk, low_k, high_k)
        mean_k = scores_nk.mean(axis=0, dtype=np.float64)
        spread_k = np.abs(scores_nk - mean_k.astype(np.float32)).mean(axis=0, dtype=np.float64)
        scale_k = np.exp2(np.floor(np.log2(np.maximum(spread_k, TINIEST))))
        return cls(
            centre_k=(np.round(mean_k / scale_k) * scale_k).astype(np.float32),
            scale_k=scale_k.astype(np.float32),
            low_k=low_k,
            high_k=high_k,
            bits=bits,
        )

    @property
    def n_prototypes(self) -> int:
        """Prototypes that have bins."""
        return len(self.centre_k)

    @property
    def n_bins(self) -> int:
        """Bins of each prototype."""
        return 2 * OCTAVES << self.bits

    def __getitem__(self, prototypes: slice) -> Self:
        """The bins of some prototypes."""
        return attrs.evolve(
            self,
            centre_k=self.centre_k[prototypes],
            scale_k=self.scale_k[prototypes],
            low_k=self.low_k[prototypes],
            high_k=self.high_k[prototypes],
        )

    def assign(
        self, scores: NDArray[np.float32], prototypes: Any = slice(None)
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Give (score - centre) / scale and the bin of finite scores, whose last axis is prototypes.

        `prototypes` picks those of the last axis.
        """
        # Adding, because -0 - 0 is -0: it would be in another bin than 0. A power of two scales exactly.
        units = (scores + (0 - self.centre_k[prototypes])) * (1 / self.scale_k[prototypes])
        bins = np.abs(units)
        bins += 1
        steps = bins.view(np.int32)  # bits of a float >= 1: a piecewise linear logarithm
        steps >>= MANTISSA_BITS - self.bits
        steps -= BIAS << self.bits
        np.minimum(steps, (OCTAVES << self.bits) - 1, out=steps)
        steps ^= units.view(np.int32) >> 31  # below the centre: -1 - step
        steps += OCTAVES << self.bits
        return units, steps

    def middles(self) -> NDArray[np.float64]:
        """The middle of each bin, in units of the scale, ascending."""
        per_octave = 1 << self.bits
        edges = np.arange(OCTAVES * per_octave + 1)
        octaves, steps = np.divmod(edges, per_octave)
        edges_above = np.exp2(octaves) * (1 + steps / per_octave) - 1
        above = (edges_above[:-1] + edges_above[1:]) / 2
        return np.concatenate([-above[::-1], above])


def finite_range(
    scores_nk: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The lowest and the highest finite score of each prototype; 0 and 0 where none is finite.

    Raises DataError for NaN.
    """
    low_k, high_k = scores_nk.min(axis=0), scores_nk.max(axis=0)
    if np.isfinite(low_k).all() and np.isfinite(high_k).all():
        return low_k, high_k
    if np.isnan(low_k).any():
        row, column = np.argwhere(np.isnan(scores_nk))[0]
        raise DataError(
            f"the score of row {row} in column {column} of this block is NaN: no regression is "
            "defined; check the scorer and its activations"
        )
    finite_nk = np.isfinite(scores_nk)
    low_k = scores_nk.min(axis=0, where=finite_nk, initial=np.inf)
    high_k = scores_nk.max(axis=0, where=finite_nk, initial=-np.inf)
    none_k = ~finite_nk.any(axis=0)
    low_k[none_k] = high_k[none_k] = 0
    return low_k, high_k


def clip_infinite(
    scores: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Replace -inf by `low` and inf by `high`; finite scores stay, beyond these, too."""
    if np.isfinite(scores).all():
        return scores
    replaced = np.where(scores == -np.inf, low, scores)
    return np.where(replaced == np.inf, high, replaced)
