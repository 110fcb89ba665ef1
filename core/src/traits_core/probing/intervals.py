"""How far a mean AP would move with another draw of test images: an interval without resampling.

The bootstrap of AP is biased upward by its repeated images. Its infinitesimal version is not: it
asks for the derivative of the statistic by the weight of each image, which for AP has a closed form.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NORMAL_975 = 1.959963984540054


def map_interval(scores_nt: NDArray[Any], labels_nt: NDArray[np.bool_]) -> tuple[float, float]:
    """Give the 95 % interval, over images, of the mean AP of column t of the scores for trait t.

    Traits and prototypes are held fixed; every trait needs a positive. Normal interval with the
    infinitesimal jackknife's standard error (Jaeckel 1972; Efron 1982, chapter 6), cut to [0, 1].
    """
    mean, influence_n = map_and_influence(scores_nt, labels_nt)
    margin = NORMAL_975 * float(np.sqrt(np.sum(influence_n**2)))
    return max(0.0, mean - margin), min(1.0, mean + margin)


def map_and_influence(
    scores_nt: NDArray[Any], labels_nt: NDArray[np.bool_]
) -> tuple[float, NDArray[np.float64]]:
    """Compute the mean AP over traits, and its derivative by the weight of each example."""
    influence_n = np.zeros(len(labels_nt))
    total = 0.0
    n_traits = labels_nt.shape[1]
    for t in range(n_traits):
        ap, influence_of_trait_n = ap_and_influence(scores_nt[:, t], labels_nt[:, t])
        influence_n += influence_of_trait_n / n_traits
        total += ap
    return total / n_traits, influence_n


def ap_and_influence(
    scores_n: NDArray[Any], labels_n: NDArray[np.bool_]
) -> tuple[float, NDArray[np.float64]]:
    """Compute AP and its derivative by the weight of each example, at weights of one.

    With weights w, AP is sum_j w_j y_j TP_j / E_j over sum_j w_j y_j, where TP_j and E_j are the
    weights of the positives, and of all examples, that score at least as high as j.
    """
    _, group_n, count_g = np.unique(scores_n, return_inverse=True, return_counts=True)
    positives_g = np.bincount(group_n, weights=labels_n)
    n_positive = positives_g.sum()
    at_least_g = np.cumsum(count_g[::-1])[::-1]
    precision_g = np.cumsum(positives_g[::-1])[::-1] / at_least_g
    ap = float(positives_g @ precision_g / n_positive)
    # An example counts towards TP and E of every positive that scores no higher than itself.
    gain_g = np.cumsum(positives_g / at_least_g)
    loss_g = np.cumsum(positives_g * precision_g / at_least_g)
    influence_n = (labels_n * (precision_g + gain_g - ap)[group_n] - loss_g[group_n]) / n_positive
    return ap, influence_n
