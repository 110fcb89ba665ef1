"""Newton's method for many logistic regressions of one feature at once, each until it converges."""

from __future__ import annotations

from typing import Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.logistic.objective import Derivatives, evaluate
from traits_core.probing.logistic.points import Points

MAX_ITERATIONS: Final = 100
TOLERANCE: Final = 1e-12
"""A fit has converged when the next step promises an objective that is lower by less than this."""

ROUNDING: Final = 1e-13
PAIRS_AT_A_TIME: Final = 2048


@attrs.frozen(kw_only=True, eq=False)
class Fits:
    """Logistic regressions of classes on prototypes, P(class) = sigmoid(intercept + slope * z).

    z is the standardised score (see `Points`); all arrays are [pairs].

    Parameters
    ----------
    intercept_a, slope_a: float64
    loss_a: mean negative log likelihood of the rows, in nats, without the penalty
    degrees_a: effective degrees of freedom: 2 without penalty, towards 1 with a strong one
    converged_a: False where the iterations ran out
    """

    intercept_a: NDArray[np.float64]
    slope_a: NDArray[np.float64]
    loss_a: NDArray[np.float64]
    degrees_a: NDArray[np.float64]
    converged_a: NDArray[np.bool_]

    @classmethod
    def null(cls, means_a: NDArray[np.float64]) -> Self:
        """The prevalence alone: slope 0. Where no row or every row has the class, loss is 0."""
        with np.errstate(divide="ignore"):
            intercept_a = np.log(means_a) - np.log1p(-means_a)
        return cls(
            intercept_a=intercept_a,
            slope_a=np.zeros(len(means_a)),
            loss_a=null_loss(means_a),
            degrees_a=np.ones(len(means_a)),
            converged_a=np.ones(len(means_a), bool),
        )

    @classmethod
    def where(cls, choose_a: NDArray[np.bool_], these: Self, others: Self) -> Self:
        """Take `these` where chosen, else `others`."""
        return cls(
            **{
                field.name: np.where(
                    choose_a, getattr(these, field.name), getattr(others, field.name)
                )
                for field in attrs.fields(cls)
            }
        )

    def criterion_a(self, n_rows: int) -> NDArray[np.float64]:
        """Akaike's criterion by row: loss on other rows, as far as these can tell."""
        return self.loss_a + self.degrees_a / n_rows


def null_loss(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """The loss of the prevalence alone: its entropy, in nats."""
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = -(means * np.log(means) + (1 - means) * np.log1p(-means))
    entropy: NDArray[np.float64] = np.where((means > 0) & (means < 1), loss, 0.0)
    return entropy


def fit_pairs(
    points: Points,
    prototypes_a: NDArray[np.intp],
    classes_a: NDArray[np.intp],
    ridge: float,
    max_iterations: int = MAX_ITERATIONS,
) -> Fits:
    """Minimise loss + ridge / 2 * slope^2 for each pair; the intercept is not penalised.

    A step that does not lower the objective is halved until it does, so the objective never rises.
    Constant classes and constant prototypes keep `Fits.null`.
    """
    fits = Fits.null(points.means_c[classes_a])
    varies_a = (points.sd_k[prototypes_a] > 0) & np.isfinite(fits.intercept_a)
    todo = np.flatnonzero(varies_a)
    for start in range(0, len(todo), PAIRS_AT_A_TIME):
        some_a = todo[start : start + PAIRS_AT_A_TIME]
        _minimise(fits, some_a, points, prototypes_a, classes_a, ridge, max_iterations)
    return fits


def _minimise(
    fits: Fits,
    active_a: NDArray[np.intp],
    points: Points,
    prototypes_a: NDArray[np.intp],
    classes_a: NDArray[np.intp],
    ridge: float,
    max_iterations: int,
) -> None:
    """Write the fits of the pairs `active_a` into `fits`; those that converge leave the loop."""
    fits.converged_a[active_a] = False
    accepted_a = np.full(len(active_a), np.inf)
    base_a2 = np.stack([fits.intercept_a[active_a], fits.slope_a[active_a]], axis=1)
    step_a2 = np.zeros_like(base_a2)
    for _ in range(max_iterations):
        trial_a2 = base_a2 - step_a2
        k_a, c_a = prototypes_a[active_a], classes_a[active_a]
        found = evaluate(points, k_a, c_a, trial_a2, ridge)
        lower_a = found.value_a <= accepted_a + ROUNDING
        base_a2[lower_a], accepted_a[lower_a] = trial_a2[lower_a], found.value_a[lower_a]
        newton_a2, gain_a = _newton_step(found)
        step_a2 = np.where(lower_a[:, None], newton_a2, step_a2 / 2)
        done_a = lower_a & (gain_a < TOLERANCE)

        fits.intercept_a[active_a], fits.slope_a[active_a] = base_a2.T
        at = active_a[lower_a]
        fits.loss_a[at] = np.maximum(found.loss_a[lower_a], 0.0)
        fits.degrees_a[at] = _degrees(found, ridge)[lower_a]
        last_a2 = base_a2 - np.where(done_a[:, None], step_a2, 0)
        fits.intercept_a[active_a], fits.slope_a[active_a] = last_a2.T
        fits.converged_a[active_a] = done_a
        go_on_a = ~done_a
        active_a, accepted_a = active_a[go_on_a], accepted_a[go_on_a]
        base_a2, step_a2 = base_a2[go_on_a], step_a2[go_on_a]
        if not len(active_a):
            return


def _newton_step(at: Derivatives) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The step to subtract [pairs, 2], and how much lower the quadratic model gets by it."""
    bb_a, bw_a, ww_a = at.curvature_a3.T
    b_a, w_a = at.gradient_a2.T
    per_det_a = 1 / (bb_a * ww_a - bw_a**2)
    step_a2 = np.stack(
        [(ww_a * b_a - bw_a * w_a) * per_det_a, (bb_a * w_a - bw_a * b_a) * per_det_a], axis=1
    )
    return step_a2, np.sum(step_a2 * at.gradient_a2, axis=1) / 2


def _degrees(at: Derivatives, ridge: float) -> NDArray[np.float64]:
    """Trace of (Hessian with penalty)^-1 (Hessian without)."""
    bb_a, bw_a, ww_a = at.curvature_a3.T
    degrees_a: NDArray[np.float64] = 2 - ridge * bb_a / (bb_a * ww_a - bw_a**2)
    return degrees_a
