"""Ridge-penalised logistic regression on a few features, by Newton's method."""

from __future__ import annotations

from typing import Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray

STEPS: Final = 100
HALVINGS: Final = 30
GRADIENT: Final = 1e-10
"""The largest entry of the gradient at which the fit is done."""


@attrs.frozen(eq=False)
class Classifier:
    """Logits of an example are `bias + features @ slopes`.

    Parameters
    ----------
    bias: float
    slopes_j: of the features as they are
    """

    bias: float
    slopes_j: NDArray[np.float64]

    @classmethod
    def fit(
        cls, features_nj: NDArray[np.float64], labels_n: NDArray[np.bool_], ridge: float
    ) -> Self:
        """Minimise the mean log loss plus `ridge` / 2 times the squared slopes of unit-variance features.

        The minimum is unique: constant features get slope 0, labels of one class a bias of plus or
        minus infinity and no slopes. Newton's method with step halving: the loss never rises.
        """
        prevalence = labels_n.mean()
        if prevalence in (0, 1):
            return cls(np.inf if prevalence else -np.inf, np.zeros(features_nj.shape[1]))
        mean_j = features_nj.mean(axis=0)
        spread_j = features_nj.std(axis=0)
        varies_j = features_nj.max(axis=0) > features_nj.min(axis=0)
        scale_j = np.divide(1.0, spread_j, out=np.zeros_like(spread_j), where=varies_j)
        ones_n1 = np.ones((len(features_nj), 1))
        design_nq = np.hstack([ones_n1, (features_nj - mean_j) * scale_j])
        penalty_q = np.append(0.0, np.full(len(mean_j), ridge))
        start_q = np.append(np.log(prevalence / (1 - prevalence)), np.zeros(len(mean_j)))
        weights_q = _newton(design_nq, labels_n, penalty_q, start_q)
        slopes_j = weights_q[1:] * scale_j
        return cls(float(weights_q[0] - slopes_j @ mean_j), slopes_j)

    def logits(self, features_nj: NDArray[np.float64]) -> NDArray[np.float32]:
        """Logits [n]; float32, so that examples with equal features stay tied whatever their order."""
        logits_n: NDArray[np.float32] = (self.bias + features_nj @ self.slopes_j).astype(np.float32)
        return logits_n


def _newton(
    design_nq: NDArray[np.float64],
    labels_n: NDArray[np.bool_],
    penalty_q: NDArray[np.float64],
    weights_q: NDArray[np.float64],
) -> NDArray[np.float64]:
    n = len(labels_n)
    loss = _loss(design_nq, labels_n, penalty_q, weights_q)
    for _ in range(STEPS):
        chance_n = 0.5 * (1 + np.tanh(0.5 * (design_nq @ weights_q)))  # a sigmoid without overflow
        gradient_q = design_nq.T @ (chance_n - labels_n) / n + penalty_q * weights_q
        if np.abs(gradient_q).max() < GRADIENT:
            break
        curvature_n = chance_n * (1 - chance_n) / n
        hessian_qq = design_nq.T @ (design_nq * curvature_n[:, None]) + np.diag(penalty_q)
        hessian_qq[0, 0] += np.finfo(np.float64).tiny  # all certain: only the bias may be flat
        direction_q = np.linalg.lstsq(hessian_qq, gradient_q, rcond=None)[0]
        for halving in range(HALVINGS):
            trial_q = weights_q - direction_q * 0.5**halving
            trial = _loss(design_nq, labels_n, penalty_q, trial_q)
            if trial < loss:
                break
        else:
            break  # no step lowers the loss: it is the minimum, but for rounding
        weights_q, loss = trial_q, trial
    return weights_q


def _loss(
    design_nq: NDArray[np.float64],
    labels_n: NDArray[np.bool_],
    penalty_q: NDArray[np.float64],
    weights_q: NDArray[np.float64],
) -> float:
    logits_n = design_nq @ weights_q
    losses_n = np.logaddexp(0, np.where(labels_n, -logits_n, logits_n))
    return float(losses_n.mean() + 0.5 * penalty_q @ weights_q**2)
