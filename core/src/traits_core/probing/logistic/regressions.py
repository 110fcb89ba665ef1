"""The regressions that are reported, one for each class, and what they reach on both splits."""

from __future__ import annotations

from typing import Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.intervals import map_interval
from traits_core.probing.logistic.candidates import Candidates
from traits_core.probing.logistic.measures import Measures, best_thresholds, oriented
from traits_core.probing.selection import chosen_scores
from traits_core.protocols import ScoreMatrix


@attrs.frozen(kw_only=True, eq=False)
class Regressions:
    """One regression for each class; its candidate is the first of `chosen`.

    Parameters
    ----------
    chosen: the candidates
    threshold_a: decisions are for the class from this score on, scores times the sign of the slope
    train, test: what they reach
    oriented_na: scores on test in the order of the predicted probabilities
    """

    chosen: Candidates
    threshold_a: NDArray[np.float32]
    train: Measures
    test: Measures
    oriented_na: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        chosen: Candidates,
        train: ScoreMatrix,
        train_na: NDArray[np.bool_],
        test: ScoreMatrix,
        test_na: NDArray[np.bool_],
        block: int,
    ) -> Self:
        """Measure the first candidate of each class, whose labels are the columns."""
        scores_na = chosen_scores(train, chosen.prototype_mc[0], block)
        threshold_a = best_thresholds(oriented(chosen, scores_na), train_na)
        on_train = Measures.of(chosen, scores_na, train_na, threshold_a)
        scores_na = chosen_scores(test, chosen.prototype_mc[0], block)
        return cls(
            chosen=chosen,
            threshold_a=threshold_a,
            train=on_train,
            test=Measures.of(chosen, scores_na, test_na, threshold_a),
            oriented_na=oriented(chosen, scores_na),
        )

    def interval(
        self, labels_nt: NDArray[np.bool_], measured_t: NDArray[np.bool_]
    ) -> tuple[float, float]:
        """95 % interval of the mean AP on test of the first classes, over rows."""
        return map_interval(
            self.oriented_na[:, : len(measured_t)][:, measured_t], labels_nt[:, measured_t]
        )
