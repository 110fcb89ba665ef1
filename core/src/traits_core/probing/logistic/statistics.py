"""All that a one-feature logistic regression asks of the data: sums that shards add up.

Labels enter the likelihood through sum y and sum x y alone; everything else depends on the
distribution of the scores, which bins with their first two moments hold well enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.logistic.bins import Bins, clip_infinite
from traits_core.probing.logistic.counting import add, count
from traits_core.probing.positives import pairs_of

if TYPE_CHECKING:
    from traits_core.records import ScoreEntries


@attrs.define(kw_only=True, eq=False)
class Statistics:
    """Sums over rows, for some prototypes and classes. Memory: 24 bytes a prototype and bin.

    Parameters
    ----------
    bins: of the scores
    moments_mkq: float64 [3, prototypes, bins]: count, and sums of u and of u^2, where u is the
        score less the centre, in units of the scale; zeros that were left out are not in it
    sums_kc: float64; sum of the scores of the rows of each class
    positives_c: int64; rows of each class
    n_rows: rows in all
    """

    bins: Bins
    moments_mkq: NDArray[np.float64]
    sums_kc: NDArray[np.float64]
    positives_c: NDArray[np.int64]
    n_rows: int = 0

    @classmethod
    def zeros(cls, bins: Bins, n_classes: int) -> Self:
        """Start before the first row."""
        return cls(
            bins=bins,
            moments_mkq=np.zeros((3, bins.n_prototypes, bins.n_bins)),
            sums_kc=np.zeros((bins.n_prototypes, n_classes)),
            positives_c=np.zeros(n_classes, np.int64),
        )

    def some(self, prototypes: slice) -> Self:
        """The statistics of some prototypes."""
        return attrs.evolve(
            self,
            bins=self.bins.some(prototypes),
            moments_mkq=self.moments_mkq[:, prototypes],
            sums_kc=self.sums_kc[prototypes],
        )

    def accumulate_dense(
        self, scores_bk: NDArray[np.float32], labels_bc: NDArray[np.bool_]
    ) -> None:
        """Add rows of scores, without NaN, and their labels."""
        self.n_rows += len(labels_bc)
        self.positives_c += labels_bc.sum(axis=0)
        scores_bk = clip_infinite(scores_bk, self.bins.low_k, self.bins.high_k)
        count(self.moments_mkq, self.bins, scores_bk)
        for c, labels_b in enumerate(labels_bc.T):
            self.sums_kc[:, c] += scores_bk[labels_b].sum(axis=0, dtype=np.float64)

    def accumulate_sparse(self, entries: ScoreEntries, labels_bc: NDArray[np.bool_]) -> None:
        """Add rows of which `entries` holds the scores that are not zero, and their labels."""
        self.n_rows += len(labels_bc)
        self.positives_c += labels_bc.sum(axis=0)
        prototypes_e = entries.prototypes.astype(np.intp)
        low_e, high_e = self.bins.low_k[prototypes_e], self.bins.high_k[prototypes_e]
        scores_e = clip_infinite(entries.values, low_e, high_e)
        units_e, bins_e = self.bins.assign(scores_e, prototypes_e)
        add(self.moments_mkq, prototypes_e * self.bins.n_bins + bins_e, units_e)
        entry_p, class_p = _positive_entries(entries.offsets, labels_bc)
        pair_p = prototypes_e[entry_p] * labels_bc.shape[1] + class_p
        sums_p = np.bincount(pair_p, scores_e[entry_p], minlength=self.sums_kc.size)
        self.sums_kc += sums_p.reshape(self.sums_kc.shape)

    def merge(self, other: Statistics) -> None:
        """Add what another has accumulated from other rows with the same bins."""
        self.moments_mkq += other.moments_mkq
        self.sums_kc += other.sums_kc
        self.positives_c += other.positives_c
        self.n_rows += other.n_rows

    def complete_mkq(self) -> NDArray[np.float64]:
        """The moments with the zeros that were left out."""
        moments_mkq = self.moments_mkq.copy()
        absent_k = self.n_rows - moments_mkq[0].sum(axis=1)
        units_k, bins_k = self.bins.assign(np.zeros(self.bins.n_prototypes, np.float32))
        for power in range(3):
            added_k = absent_k * units_k.astype(np.float64) ** power
            moments_mkq[power, np.arange(len(bins_k)), bins_k] += added_k
        return moments_mkq


def _positive_entries(
    offsets_b: NDArray[np.int64], labels_bc: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each (entry, class) such that the row of the entry has the class."""
    row_e = np.repeat(np.arange(len(labels_bc)), np.diff(offsets_b))
    starts_b = np.append(0, np.cumsum(labels_bc.sum(axis=1)))
    return pairs_of(row_e, starts_b, np.nonzero(labels_bc)[1])
