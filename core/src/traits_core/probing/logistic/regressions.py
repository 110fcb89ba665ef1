"""The regressions that are reported, and what they reach on both splits, from every row."""

from __future__ import annotations

from typing import Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.logistic.candidates import Candidates
from traits_core.probing.logistic.gathering import columns_of
from traits_core.probing.logistic.measures import Measures, best_thresholds, oriented
from traits_core.probing.logistic.separation import separable
from traits_core.protocols import ScoreMatrix

AT_A_TIME: Final = 1 << 24
"""Scores of chosen prototypes that are measured at a time; some 50 bytes each."""


@attrs.frozen(kw_only=True, eq=False)
class Labelled:
    """Scores of one split, and labels of the same rows.

    Parameters
    ----------
    scores: of all prototypes
    labels_nc: bool [rows, classes]
    """

    scores: ScoreMatrix
    labels_nc: NDArray[np.bool_]

    def columns(
        self, chosen: Candidates, classes_a: NDArray[np.intp], batch_rows: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Scores and labels [rows, chosen] of chosen prototypes and their classes."""
        scores_na = columns_of(self.scores, chosen.prototype_mc[0], batch_rows)
        return scores_na, self.labels_nc[:, classes_a]


@attrs.frozen(kw_only=True, eq=False)
class Regressions:
    """Regressions of one class each; all arrays are [regressions].

    Parameters
    ----------
    chosen: a candidate for each, in one row
    threshold_a: decisions are for the class from this score on, scores times the sign of the slope
    separable_a: whether one threshold separates the class from the others on train
    train, test: what they reach
    """

    chosen: Candidates
    threshold_a: NDArray[np.float32]
    separable_a: NDArray[np.bool_]
    train: Measures
    test: Measures

    @classmethod
    def of(
        cls,
        chosen: Candidates,
        classes_a: NDArray[np.intp],
        train: Labelled,
        test: Labelled,
        batch_rows: int,
    ) -> Self:
        """Measure one candidate of each of the classes, a few at a time."""
        width = max(1, AT_A_TIME // max(len(train.labels_nc), len(test.labels_nc)))
        parts = []
        for start in range(0, len(classes_a), width):
            some, classes = (
                chosen.columns(slice(start, start + width)),
                classes_a[start : start + width],
            )
            scores_na, labels_na = train.columns(some, classes, batch_rows)
            threshold_a = best_thresholds(oriented(some, scores_na), labels_na)
            on_train = Measures.of(some, scores_na, labels_na, threshold_a)
            apart_a = separable(scores_na, labels_na)
            on_test = Measures.of(some, *test.columns(some, classes, batch_rows), threshold_a)
            parts.append((threshold_a, apart_a, on_train, on_test))
        thresholds, aparts, on_trains, on_tests = zip(*parts, strict=True)
        return cls(
            chosen=chosen,
            threshold_a=np.concatenate(thresholds),
            separable_a=np.concatenate(aparts),
            train=Measures.joined(on_trains),
            test=Measures.joined(on_tests),
        )

    def some(self, which: slice) -> Self:
        """Some of the regressions."""
        return type(self)(
            chosen=self.chosen.columns(which),
            threshold_a=self.threshold_a[which],
            separable_a=self.separable_a[which],
            train=self.train.some(which),
            test=self.test.some(which),
        )
