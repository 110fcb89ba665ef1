"""Which prototype stands for a trait: the one with the best average precision on the train split."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.ap import Positives, average_precision
from traits_core.protocols import ScoreMatrix

TOLERANCE = 1e-12
"""AP values closer than this are equal: rounding must not decide which prototype is chosen."""


@attrs.frozen(kw_only=True, eq=False)
class Best:
    """The best prototype of each trait among those seen so far.

    Parameters
    ----------
    highest_t: the highest AP
    prototypes_t: the lowest prototype whose AP is within `TOLERANCE` of it
    ap_t: its AP
    """

    highest_t: NDArray[np.float64]
    prototypes_t: NDArray[np.intp]
    ap_t: NDArray[np.float64]

    @classmethod
    def none(cls, n_traits: int) -> Self:
        """Start before the first prototype."""
        lowest_t = np.full(n_traits, -np.inf)
        return cls(highest_t=lowest_t, prototypes_t=np.zeros(n_traits, np.intp), ap_t=lowest_t)

    def and_then(self, ap_kt: NDArray[np.float64], first: int) -> Self:
        """Take in the APs of the next prototypes, numbered from `first`.

        A choice is kept while it is good enough, so only APs that really differ by less than the
        tolerance can make the result depend on where blocks end.
        """
        highest_t = np.maximum(self.highest_t, ap_kt.max(axis=0))
        keep_t = self.ap_t >= highest_t - TOLERANCE
        candidate_t = np.argmax(ap_kt >= highest_t - TOLERANCE, axis=0)
        candidate_ap_t = np.take_along_axis(ap_kt, candidate_t[None], axis=0)[0]
        return type(self)(
            highest_t=highest_t,
            prototypes_t=np.where(keep_t, self.prototypes_t, first + candidate_t),
            ap_t=np.where(keep_t, self.ap_t, candidate_ap_t),
        )


def select(scores: ScoreMatrix, labels_nt: NDArray[np.bool_], block: int) -> Best:
    """Find the best prototype of each trait, reading `block` prototypes at a time.

    A trait without a positive has AP 0 with every prototype, so it gets prototype 0.
    """
    positives = Positives.of(labels_nt)
    best = Best.none(labels_nt.shape[1])
    for start, stop in _blocks(scores, block):
        best = best.and_then(average_precision(scores.block(start, stop), positives), start)
    return best


def chosen_scores(
    scores: ScoreMatrix, prototypes_t: NDArray[np.intp], block: int
) -> NDArray[np.float32]:
    """Gather the scores [examples, traits] of the prototype that each trait has chosen."""
    scores_nt = np.empty((scores.n_examples, len(prototypes_t)), np.float32)
    for start, stop in _blocks(scores, block):
        traits = np.flatnonzero((prototypes_t >= start) & (prototypes_t < stop))
        if len(traits):
            scores_nt[:, traits] = scores.block(start, stop)[:, prototypes_t[traits] - start]
    return scores_nt


def _blocks(scores: ScoreMatrix, block: int) -> Iterator[tuple[int, int]]:
    for start in range(0, scores.n_prototypes, block):
        yield start, min(start + block, scores.n_prototypes)
