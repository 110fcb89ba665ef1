"""The interval's standard error is the derivative of AP by the weights of the images."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from traits_core.probing.intervals import NORMAL_975, ap_and_influence, map_interval


def made(seed, n, ties=False):
    rng = np.random.default_rng(seed)
    labels_n = rng.random(n) < 0.2
    labels_n[:2] = True, False
    scores_n = rng.standard_normal(n) + 1.2 * labels_n
    return (np.round(scores_n) if ties else scores_n).astype(np.float32), labels_n


@pytest.mark.parametrize("ties", [False, True])
def test_influence_is_the_derivative_of_scikit_learns_weighted_ap(ties):
    scores_n, labels_n = made(0, 40, ties)
    ap, influence_n = ap_and_influence(scores_n, labels_n)
    assert ap == pytest.approx(average_precision_score(labels_n, scores_n), abs=1e-14)
    step = 1e-5
    for i in range(40):
        weights_n = np.ones(40)
        weights_n[i] += step
        up = average_precision_score(labels_n, scores_n, sample_weight=weights_n)
        weights_n[i] -= 2 * step
        down = average_precision_score(labels_n, scores_n, sample_weight=weights_n)
        assert influence_n[i] == pytest.approx((up - down) / (2 * step), abs=1e-8)


def test_influences_cancel_because_ap_does_not_depend_on_the_scale_of_weights():
    _, influence_n = ap_and_influence(*made(1, 300))
    assert abs(influence_n.sum()) < 1e-12


def test_the_interval_is_centred_on_map_and_as_wide_as_the_bootstrap_says():
    rng = np.random.default_rng(99)  # not a seed that the labels were drawn with
    n, traits = 400, 3
    pairs = [made(seed, n) for seed in range(traits)]
    scores_nt, labels_nt = (np.stack(column, axis=1) for column in zip(*pairs, strict=True))

    def mean_ap(weights_n):
        return np.mean(
            [
                average_precision_score(labels_nt[:, t], scores_nt[:, t], sample_weight=weights_n)
                for t in range(traits)
            ]
        )

    low, high = map_interval(scores_nt, labels_nt)
    assert (low + high) / 2 == pytest.approx(mean_ap(None), abs=1e-12)
    draws = [mean_ap(rng.multinomial(n, np.full(n, 1 / n)).astype(float)) for _ in range(200)]
    assert (high - low) / (2 * NORMAL_975) == pytest.approx(np.std(draws), rel=0.2)


def test_the_interval_stays_within_zero_and_one():
    labels_nt = np.array([[True], [False], [True], [False]])
    low, high = map_interval(np.array([[4.0], [3.0], [2.0], [1.0]]), labels_nt)
    assert 0 <= low < high <= 1


def test_constant_scores_have_the_interval_of_a_proportion():
    labels_nt = (np.arange(500) < 100)[:, None]
    low, high = map_interval(np.zeros((500, 1)), labels_nt)
    assert (high - low) / (2 * NORMAL_975) == pytest.approx(np.sqrt(0.2 * 0.8 / 500), rel=1e-12)
