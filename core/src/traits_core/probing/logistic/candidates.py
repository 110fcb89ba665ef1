"""The best prototypes of each class among those seen so far, with their regressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray

DECIMALS: Final = 10
"""Criteria that agree to so many decimals are equal: rounding must not decide what is chosen."""


@attrs.frozen(kw_only=True, eq=False)
class Candidates:
    """Regressions of a class, a column each; all arrays are [candidates, classes], best first.

    Parameters
    ----------
    criterion_mc: Akaike's: loss + effective degrees of freedom / rows; inf where there is none
    prototype_mc, ridge_mc: which, and with which penalty
    intercept_mc, slope_mc: P(class) = sigmoid(intercept + slope * (score - mean) / sd)
    mean_mc, sd_mc: of the scores on train
    low_mc, high_mc: what infinite scores count as
    loss_mc: on train, in nats a row
    converged_mc: whether the fit did
    """

    criterion_mc: NDArray[np.float64]
    prototype_mc: NDArray[np.intp]
    ridge_mc: NDArray[np.float64]
    intercept_mc: NDArray[np.float64]
    slope_mc: NDArray[np.float64]
    mean_mc: NDArray[np.float64]
    sd_mc: NDArray[np.float64]
    low_mc: NDArray[np.float32]
    high_mc: NDArray[np.float32]
    loss_mc: NDArray[np.float64]
    converged_mc: NDArray[np.bool_]

    def best(self, n: int) -> Self:
        """The `n` best of each class; of equal ones, those of the lowest prototypes."""
        keys = self.prototype_mc, np.round(self.criterion_mc, DECIMALS)
        order_mc = np.lexsort(keys, axis=0)[:n]
        return self._each(lambda values_mc: np.take_along_axis(values_mc, order_mc, axis=0))

    def in_one_row(self) -> Self:
        """All candidates as the best of a class each: first those of rank 0, and so on."""
        return self._each(lambda values_mc: values_mc.reshape(1, -1))

    def columns(self, classes: slice | NDArray[np.intp]) -> Self:
        """The candidates of some classes."""
        return self._each(lambda values_mc: values_mc[:, classes])

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The candidates of several lists, in one list."""
        names = [field.name for field in attrs.fields(cls)]
        return cls(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        )

    def _each(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Self:
        changed = {
            field.name: change(getattr(self, field.name)) for field in attrs.fields(type(self))
        }
        return type(self)(**changed)
