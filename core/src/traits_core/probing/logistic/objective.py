"""The penalised loss of one-feature logistic regressions on weighted points, and its derivatives."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.logistic.points import Points

DAMPING: Final = 1e-14
"""Keeps Newton's steps finite where every row is certain; it does not move the minimum."""


@attrs.frozen(kw_only=True, eq=False)
class Derivatives:
    """Where some pairs stand.

    Parameters
    ----------
    loss_a: mean negative log likelihood
    value_a: the same plus the penalty, which is minimised
    gradient_a2: of value by intercept and slope
    curvature_a3: its second derivatives by intercept twice, by both, and by slope twice
    """

    loss_a: NDArray[np.float64]
    value_a: NDArray[np.float64]
    gradient_a2: NDArray[np.float64]
    curvature_a3: NDArray[np.float64]


def evaluate(
    points: Points,
    prototypes_a: NDArray[np.intp],
    classes_a: NDArray[np.intp],
    at_a2: NDArray[np.float64],
    ridge: float,
) -> Derivatives:
    """Evaluate pairs at [intercept, slope]; memory is some ten times pairs x points."""
    z_aq, weights_aq = points.z_kq[prototypes_a], points.weights_kq[prototypes_a]
    intercept_a, slope_a = at_a2.T
    mean_a, product_a = points.means_c[classes_a], points.products_kc[prototypes_a, classes_a]

    logit_aq = slope_a[:, None] * z_aq
    logit_aq += intercept_a[:, None]
    unlikely_aq = np.exp(-np.abs(logit_aq))
    likely_aq = 1 / (1 + unlikely_aq)  # probability of the more likely answer
    softplus_aq = np.maximum(logit_aq, 0) - np.log(likely_aq)
    loss_a = _dot(weights_aq, softplus_aq) - intercept_a * mean_a - slope_a * product_a

    yes_aq = np.where(logit_aq > 0, likely_aq, unlikely_aq * likely_aq)
    yes_aq *= weights_aq
    bend_aq = unlikely_aq * likely_aq**2
    bend_aq *= weights_aq
    bend_z_aq = bend_aq * z_aq
    gradient_a2 = [yes_aq.sum(axis=1) - mean_a, _dot(yes_aq, z_aq) - product_a + ridge * slope_a]
    curvature_a3 = [
        bend_aq.sum(axis=1) + DAMPING,
        bend_z_aq.sum(axis=1),
        _dot(bend_z_aq, z_aq) + ridge + DAMPING,
    ]
    return Derivatives(
        loss_a=loss_a,
        value_a=loss_a + ridge / 2 * slope_a**2,
        gradient_a2=np.stack(gradient_a2, axis=1),
        curvature_a3=np.stack(curvature_a3, axis=1),
    )


def _dot(left_aq: NDArray[np.float64], right_aq: NDArray[np.float64]) -> NDArray[np.float64]:
    dot_a: NDArray[np.float64] = np.einsum("aq,aq->a", left_aq, right_aq)
    return dot_a
