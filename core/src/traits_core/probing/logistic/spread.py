"""Where the scores of a prototype lie: the sums that bins are laid out by, which shards add up, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import DataError

if TYPE_CHECKING:
    from traits_core.records import ScoreEntries

SCORES: Final = 1 << 18
"""Scores that are summed at a time: in double precision, too, they stay in the cache."""


@attrs.define(kw_only=True, eq=False)
class Spread:
    """Sums over rows of finite scores; all arrays are [prototypes].

    Parameters
    ----------
    zero_k: scores that are 0
    finite_k: scores that are not 0, and finite
    sum_k, square_k: float64; of the finite scores, and of their squares
    low_k, high_k: float32; the lowest and the highest of these
    """

    zero_k: NDArray[np.int64]
    finite_k: NDArray[np.int64]
    sum_k: NDArray[np.float64]
    square_k: NDArray[np.float64]
    low_k: NDArray[np.float32]
    high_k: NDArray[np.float32]

    @classmethod
    def zeros(cls, n_prototypes: int) -> Self:
        """Start before the first row."""
        return cls(
            zero_k=np.zeros(n_prototypes, np.int64),
            finite_k=np.zeros(n_prototypes, np.int64),
            sum_k=np.zeros(n_prototypes),
            square_k=np.zeros(n_prototypes),
            low_k=np.full(n_prototypes, np.inf, np.float32),
            high_k=np.full(n_prototypes, -np.inf, np.float32),
        )

    def accumulate_dense(self, scores_bk: NDArray[np.float32]) -> None:
        """Add rows of scores. Raises DataError for NaN."""
        rows = max(1, SCORES // len(self.zero_k))
        for start in range(0, len(scores_bk), rows):
            self._accumulate_tile(scores_bk[start : start + rows])

    def _accumulate_tile(self, scores_bk: NDArray[np.float32]) -> None:
        nonzero_k = finite_k = np.count_nonzero(scores_bk, axis=0)
        low_k, high_k = scores_bk.min(axis=0), scores_bk.max(axis=0)
        if not (np.isfinite(low_k).all() and np.isfinite(high_k).all()):
            if np.isnan(low_k).any():
                raise _nan_of(int(np.argmax(np.isnan(low_k))))
            finite_bk = np.isfinite(scores_bk)
            low_k = scores_bk.min(axis=0, where=finite_bk, initial=np.inf)
            high_k = scores_bk.max(axis=0, where=finite_bk, initial=-np.inf)
            scores_bk = np.where(finite_bk, scores_bk, np.float32(0))
            finite_k = np.count_nonzero(scores_bk, axis=0)
        exact_bk = scores_bk.astype(np.float64)
        self.zero_k += len(scores_bk) - nonzero_k
        self.finite_k += finite_k
        self.sum_k += exact_bk.sum(axis=0)
        self.square_k += np.einsum("bk,bk->k", exact_bk, exact_bk)
        np.minimum(self.low_k, low_k, out=self.low_k)
        np.maximum(self.high_k, high_k, out=self.high_k)

    def accumulate_sparse(self, entries: ScoreEntries) -> None:
        """Add rows of which `entries` holds the scores that are not zero. Raises DataError for NaN."""
        if (nan_e := np.isnan(entries.values)).any():
            raise _nan_of(int(entries.prototypes[nan_e].min()))
        n_prototypes = len(self.sum_k)
        stored_k = np.bincount(entries.prototypes[entries.values != 0], minlength=n_prototypes)
        self.zero_k += len(entries.offsets) - 1 - stored_k
        finite_e = np.isfinite(entries.values) & (entries.values != 0)
        prototypes_e, scores_e = entries.prototypes[finite_e], entries.values[finite_e]
        exact_e = scores_e.astype(np.float64)
        self.finite_k += np.bincount(prototypes_e, minlength=n_prototypes)
        self.sum_k += np.bincount(prototypes_e, exact_e, minlength=n_prototypes)
        self.square_k += np.bincount(prototypes_e, exact_e**2, minlength=n_prototypes)
        np.minimum.at(self.low_k, prototypes_e, scores_e)
        np.maximum.at(self.high_k, prototypes_e, scores_e)

    def merge(self, other: Spread) -> None:
        """Add what another has accumulated from other rows."""
        self.zero_k += other.zero_k
        self.finite_k += other.finite_k
        self.sum_k += other.sum_k
        self.square_k += other.square_k
        self.low_k = np.minimum(self.low_k, other.low_k)
        self.high_k = np.maximum(self.high_k, other.high_k)

    def finite_range(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The lowest and the highest finite score, zeros included; 0 and 0 where none is finite."""
        zero_k = (self.zero_k > 0) | (self.finite_k == 0)
        low_k = np.where(zero_k, np.minimum(self.low_k, 0), self.low_k)
        high_k = np.where(zero_k, np.maximum(self.high_k, 0), self.high_k)
        return low_k, high_k


def _nan_of(prototype: int) -> DataError:
    return DataError(
        f"scores of prototype {prototype} are NaN: no regression is defined; check the scorer and "
        "its activations"
    )
