"""Bins of the scores of a prototype: fine where scores are dense, ever wider towards the tails.

They follow from a centre and a scale alone, so shards that share these can be counted apart.
"""

from __future__ import annotations

from typing import Any, Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.logistic.spread import Spread

OCTAVES: Final = 16
"""Bins of either side reach 2**16 scales from the centre; what is further away joins the last."""

FURTHEST: Final = np.nextafter(np.float32(1 << OCTAVES), np.float32(0))
"""The largest number, 1 + the distance in scales, that the last bin is of."""

PER_DEVIATION: Final = 4
"""Scales in a standard deviation: outliers, which widen it, must not make the other bins coarse."""

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
    def of(cls, spread: Spread, bits: int) -> Self:
        """Lay bins around the mean of the scores that are not 0, by their standard deviation."""
        per_score_k = 1 / np.maximum(spread.finite_k, 1)
        mean_k = spread.sum_k * per_score_k
        variance_k = np.maximum(spread.square_k * per_score_k - mean_k**2, 0)
        widest_k = np.maximum(np.sqrt(variance_k), np.abs(mean_k) * 2.0**-20) / PER_DEVIATION
        scale_k = np.exp2(np.floor(np.log2(np.maximum(widest_k, TINIEST))))
        low_k, high_k = spread.finite_range()
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

    def some(self, prototypes: slice) -> Self:
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
        """Give (score - centre) / scale and the bin of finite scores.

        `prototypes` tells those of the last axis.
        """
        # Adding, because -0 - 0 is -0: it would be in another bin than 0. A power of two scales exactly.
        units = scores + (0 - self.centre_k[prototypes])
        units *= 1 / self.scale_k[prototypes]
        magnitudes = np.abs(units)
        magnitudes += 1
        np.minimum(magnitudes, FURTHEST, out=magnitudes)
        bins = magnitudes.view(np.int32)  # bits of a float >= 1: a piecewise linear logarithm
        bins >>= MANTISSA_BITS - self.bits
        bins -= BIAS << self.bits
        bins ^= units.view(np.int32) >> 31  # below the centre: -1 - bin
        bins += OCTAVES << self.bits
        return units, bins


def clip_infinite(
    scores: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Replace -inf by `low` and inf by `high`; finite scores stay, beyond these, too."""
    if np.isfinite(scores).all():
        return scores
    replaced = np.where(scores == -np.inf, low, scores)
    return np.where(replaced == np.inf, high, replaced)
