"""Which prototypes a classifier gets to see: those whose scores correlate most with its labels."""

from __future__ import annotations

from typing import Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import DataError
from traits_core.protocols import ScoreMatrix

DIGITS: Final = 12
"""Correlations that agree so far are equal: rounding must not decide which prototypes are chosen."""


def label_correlations(
    scores: ScoreMatrix, labels_nt: NDArray[np.bool_], block: int
) -> NDArray[np.float64]:
    """Pearson correlations [prototypes, traits] of scores and labels; 0 where either is constant.

    For a binary label this is the difference of the two class means, in standard deviations, times
    a factor of the label's own. Memory: a block of scores, and the result.

    Raises DataError for scores that are not finite.
    """
    centred_nt = labels_nt - labels_nt.mean(axis=0)
    norms_t = np.linalg.norm(centred_nt, axis=0)
    corr_kt = np.zeros((scores.n_prototypes, labels_nt.shape[1]))
    for start in range(0, scores.n_prototypes, block):
        stop = min(start + block, scores.n_prototypes)
        scores_nk = _finite(scores.block(start, stop)).astype(np.float64)
        varies_k = scores_nk.max(axis=0) > scores_nk.min(axis=0)
        scores_nk -= scores_nk.mean(axis=0)
        norms_kt = np.linalg.norm(scores_nk, axis=0)[:, None] * norms_t
        defined_kt = varies_k[:, None] & (norms_kt > 0)
        np.divide(scores_nk.T @ centred_nt, norms_kt, out=corr_kt[start:stop], where=defined_kt)
    return corr_kt


def strongest(corr_kt: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    """The `n` prototypes [traits, n] (all, when there are fewer) of the largest |correlation|.

    The strongest comes first; of equal ones, the lowest index.
    """
    strength_tk = -np.abs(corr_kt.T).round(DIGITS)
    return strength_tk.argsort(axis=1, kind="stable")[:, :n]


@attrs.frozen(eq=False)
class Columns:
    """The scores of some prototypes, float32 [examples, columns], and where each of them stands."""

    scores_nu: NDArray[np.float32]
    column_k: NDArray[np.intp]

    @classmethod
    def read(cls, scores: ScoreMatrix, prototypes: NDArray[np.intp], block: int) -> Self:
        """Read each of the prototypes once, a block at a time."""
        wanted_u = np.unique(prototypes)
        column_k = np.full(scores.n_prototypes, -1)
        column_k[wanted_u] = np.arange(len(wanted_u))
        scores_nu = np.empty((scores.n_examples, len(wanted_u)), np.float32)
        for start in range(0, scores.n_prototypes, block):
            stop = min(start + block, scores.n_prototypes)
            here_u = np.flatnonzero((wanted_u >= start) & (wanted_u < stop))
            if len(here_u):
                found_nk = scores.block(start, stop)[:, wanted_u[here_u] - start]
                scores_nu[:, here_u] = _finite(found_nk)
        return cls(scores_nu, column_k)

    def of(self, prototypes_j: NDArray[np.intp]) -> NDArray[np.float64]:
        """Scores [examples, j] of these prototypes."""
        return self.scores_nu[:, self.column_k[prototypes_j]].astype(np.float64)


def _finite(scores_nk: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(scores_nk).all():
        raise DataError(
            "scores contain NaN or infinity, which no linear classifier can use: "
            "probe them by `retrieval`, which only ranks"
        )
    return scores_nk
