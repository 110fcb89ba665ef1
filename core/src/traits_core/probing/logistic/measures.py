"""What chosen regressions reach on a split, computed from every row of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.ap import average_precision_pairs
from traits_core.probing.logistic.bins import clip_infinite
from traits_core.probing.logistic.candidates import Candidates
from traits_core.probing.positives import Positives


@attrs.frozen(kw_only=True, eq=False)
class Measures:
    """Numbers of regressions on one split; all arrays are [pairs].

    Parameters
    ----------
    loss_a: mean negative log likelihood, in nats a row; inf where the impossible happened
    ap_a: average precision of the predicted probabilities
    precision_a, recall_a, f1_a: of the decisions; 0 where nothing is decided for, or there to find
    """

    loss_a: NDArray[np.float64]
    ap_a: NDArray[np.float64]
    precision_a: NDArray[np.float64]
    recall_a: NDArray[np.float64]
    f1_a: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        chosen: Candidates,
        scores_na: NDArray[np.float32],
        labels_na: NDArray[np.bool_],
        threshold_a: NDArray[np.float32],
    ) -> Self:
        """Measure the best candidate of each class: scores and labels have a column for each.

        Raises DataError for NaN scores.
        """
        rising_na = oriented(chosen, scores_na)
        columns = np.arange(scores_na.shape[1])
        ap_a = average_precision_pairs(rising_na, Positives.of(labels_na), columns, columns)
        decided_na = rising_na >= threshold_a
        hits_a = np.sum(decided_na & labels_na, axis=0, dtype=np.float64)
        decided_a, positive_a = decided_na.sum(axis=0), labels_na.sum(axis=0)
        return cls(
            loss_a=_loss(chosen, scores_na, labels_na),
            ap_a=ap_a,
            precision_a=hits_a / np.maximum(decided_a, 1),
            recall_a=hits_a / np.maximum(positive_a, 1),
            f1_a=2 * hits_a / np.maximum(decided_a + positive_a, 1),
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The numbers of several lists of regressions, in one list."""
        names = [field.name for field in attrs.fields(cls)]
        return cls(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        )

    def some(self, which: slice) -> Self:
        """The numbers of some regressions."""
        return type(self)(
            **{field.name: getattr(self, field.name)[which] for field in attrs.fields(type(self))}
        )


def oriented(chosen: Candidates, scores_na: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores in the order of the predicted probabilities: turned by the sign of the slope, or all 0."""
    slope_a = chosen.slope_mc[0]
    rising_na = np.where(slope_a > 0, scores_na, -scores_na)
    return np.where(slope_a == 0, np.float32(0), rising_na)


def best_thresholds(
    rising_na: NDArray[np.float32], labels_na: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The score from which on rows are decided for, so that F1 is best; the highest such score."""
    return np.array(
        [_best_threshold(rising_na[:, a], labels_na[:, a]) for a in range(rising_na.shape[1])],
        np.float32,
    )


def _best_threshold(rising_n: NDArray[np.float32], labels_n: NDArray[np.bool_]) -> np.float32:
    order_n = np.argsort(-rising_n)
    falling_n = rising_n[order_n]
    hits_n = np.cumsum(labels_n[order_n])
    f1_n = hits_n / (hits_n[-1] + np.arange(1, len(hits_n) + 1))
    f1_n[:-1][falling_n[1:] == falling_n[:-1]] = -1  # equal scores are decided for together
    threshold: np.float32 = falling_n[np.argmax(f1_n)]
    return threshold


def _loss(
    chosen: Candidates, scores_na: NDArray[np.float32], labels_na: NDArray[np.bool_]
) -> NDArray[np.float64]:
    scores_na = clip_infinite(scores_na, chosen.low_mc[0], chosen.high_mc[0])
    per_sd_a = chosen.slope_mc[0] / np.where(chosen.sd_mc[0] > 0, chosen.sd_mc[0], 1)
    logit_na = chosen.intercept_mc[0] + per_sd_a * (scores_na - chosen.mean_mc[0])
    loss_a: NDArray[np.float64] = np.logaddexp(0, np.where(labels_na, -logit_na, logit_na)).mean(
        axis=0
    )
    return loss_a
