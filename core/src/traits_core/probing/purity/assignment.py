"""Each row goes to the prototype that scores it highest: scores read as a clustering."""

from __future__ import annotations

from typing import Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import DataError
from traits_core.protocols import ScoreMatrix
from traits_core.records import ScoreEntries


def assign(scores: ScoreMatrix, rows: int) -> NDArray[np.intp]:
    """Number of the prototype [rows] with the highest score; of equal ones, the lowest.

    A row of sparse scores that has none above 0 goes to no prototype: it gets `n_prototypes`. Memory:
    `rows` rows of scores. Raises DataError for NaN scores.
    """
    assigned_n = np.empty(scores.n_examples, np.intp)
    for start in range(0, scores.n_examples, rows):
        stop = min(start + rows, scores.n_examples)
        assigned_n[start:stop] = (
            _highest_entry(scores.entries(start, stop), scores.n_prototypes)
            if scores.format == "sparse"
            else _not_nan(scores.rows(start, stop)).argmax(axis=1)
        )
    return assigned_n


def _highest_entry(entries: ScoreEntries, n_prototypes: int) -> NDArray[np.intp]:
    values = _not_nan(entries.values)
    row_e = np.repeat(np.arange(len(entries.offsets) - 1), np.diff(entries.offsets))
    order_e = np.lexsort((entries.prototypes, -values, row_e))
    first_e = order_e[np.unique(row_e[order_e], return_index=True)[1]]
    first_e = first_e[values[first_e] > 0]
    assigned_b = np.full(len(entries.offsets) - 1, n_prototypes, np.intp)
    assigned_b[row_e[first_e]] = entries.prototypes[first_e]
    return assigned_b


def _not_nan(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    if np.isnan(scores).any():
        raise DataError(
            "scores contain NaN, so no prototype is the highest: materialize them again"
        )
    return scores


@attrs.frozen(eq=False)
class Contingency:
    """How many rows went to each prototype, and how many of them have each label.

    Parameters
    ----------
    rows_k: int64 [prototypes + 1]; the last place is for rows of no prototype
    hits_kt: int64 [prototypes + 1, traits]
    """

    rows_k: NDArray[np.int64]
    hits_kt: NDArray[np.int64]

    @classmethod
    def of(
        cls, assigned_n: NDArray[np.intp], labels_nt: NDArray[np.bool_], n_prototypes: int
    ) -> Self:
        """Count labels [rows, traits] of rows that are assigned."""
        places = n_prototypes + 1
        hits_tk = [np.bincount(assigned_n[has_n], minlength=places) for has_n in labels_nt.T]
        return cls(np.bincount(assigned_n, minlength=places), np.stack(hits_tk, axis=1))

    @property
    def shares_kt(self) -> NDArray[np.float64]:
        """The share of the rows of each prototype that have each label; of all rows where it has none."""
        overall_t = self.hits_kt.sum(axis=0) / self.rows_k.sum()
        shares_kt: NDArray[np.float64] = np.tile(overall_t, (len(self.rows_k), 1))
        some_k1 = self.rows_k[:, None] > 0
        np.divide(self.hits_kt, self.rows_k[:, None], out=shares_kt, where=some_k1)
        return shares_kt

    @property
    def ious_kt(self) -> NDArray[np.float64]:
        """Intersection over union [prototypes, traits] of the rows of a prototype and of a label."""
        joint_kt = self.rows_k[:-1, None] + self.hits_kt.sum(axis=0) - self.hits_kt[:-1]
        ious_kt = np.zeros(joint_kt.shape)
        np.divide(self.hits_kt[:-1], joint_kt, out=ious_kt, where=joint_kt > 0)
        return ious_kt

    @property
    def mutual_information(self) -> float | None:
        """Normalised by the mean of both entropies; None unless every row has exactly one label."""
        if (
            self.hits_kt.sum() != self.rows_k.sum()
            or (self.hits_kt.sum(axis=1) != self.rows_k).any()
        ):
            return None
        joint_kt = self.hits_kt / self.rows_k.sum()
        entropies = [_entropy(joint_kt.sum(axis=axis)) for axis in (0, 1)]
        shared = sum(entropies) - _entropy(joint_kt.ravel())
        return float(2 * shared / sum(entropies)) if sum(entropies) else 0.0


def _entropy(shares: NDArray[np.float64]) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())
