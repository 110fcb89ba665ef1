"""Resampled APs are scikit-learn's weighted ones; BCa intervals hold what they promise."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from traits_core import DataError
from traits_core.probing import bootstrap
from traits_core.probing.bootstrap import bca_interval, resampled_maps, weighted_ap
from traits_core.probing.intervals import map_interval
from traits_core.probing.retrieval_config import RetrievalConfig


def made(seed, n, n_traits, ties=False):
    rng = np.random.default_rng(seed)
    labels_nt = rng.random((n, n_traits)) < 0.2
    labels_nt[:2] = [[True], [False]]
    scores_nt = rng.standard_normal((n, n_traits)) + 1.2 * labels_nt
    return (np.round(scores_nt) if ties else scores_nt).astype(np.float32), labels_nt


@pytest.mark.parametrize("ties", [False, True])
def test_weighted_ap_equals_scikit_learns(ties):
    scores_nt, labels_nt = made(0, 60, 1, ties)
    weights_bn = np.random.default_rng(1).integers(0, 4, (20, 60)).astype(np.uint32)
    found_b = weighted_ap(scores_nt[:, 0], labels_nt[:, 0], weights_bn)
    for b in range(20):
        weights_n = weights_bn[b]
        wanted = average_precision_score(
            labels_nt[weights_n > 0, 0],
            scores_nt[weights_n > 0, 0],
            sample_weight=weights_n[weights_n > 0],
        )
        assert found_b[b] == pytest.approx(wanted, abs=1e-12)


def test_a_resample_without_a_positive_has_no_ap():
    labels_n = np.array([True, False, False])
    weights_bn = np.array([[0, 2, 1], [1, 1, 1]], np.uint32)
    found_b = weighted_ap(np.array([3.0, 2.0, 1.0]), labels_n, weights_bn)
    assert np.isnan(found_b[0])
    assert found_b[1] == 1


def test_infinite_scores_rank_first_and_last():
    labels_n = np.array([True, False, True])
    found_b = weighted_ap(np.array([np.inf, 0.0, -np.inf]), labels_n, np.ones((1, 3), np.uint32))
    assert found_b[0] == pytest.approx((1 + 2 / 3) / 2)


def test_tiles_do_not_change_a_bit(monkeypatch):
    scores_nt, labels_nt = made(2, 50, 3)
    whole_b = resampled_maps(scores_nt, labels_nt, 200, seed=7)
    monkeypatch.setattr(bootstrap, "TILE", 50 * 64)
    np.testing.assert_array_equal(resampled_maps(scores_nt, labels_nt, 200, seed=7), whole_b)


def test_the_seed_decides():
    scores_nt, labels_nt = made(3, 50, 2)
    first_b, again_b, other_b = (
        resampled_maps(scores_nt, labels_nt, 200, seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first_b, again_b)
    assert (first_b != other_b).any()


def test_for_many_images_the_interval_is_that_of_the_jackknife():
    scores_nt, labels_nt = made(4, 4000, 2)
    found = bca_interval(scores_nt, labels_nt, 2000, seed=0)
    low, high = map_interval(scores_nt, labels_nt)
    np.testing.assert_allclose(found, (low, high), atol=0.1 * (high - low))


@pytest.mark.slow
def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """Of intervals from 300 images each, about 95 % hold the AP of very many images."""
    scores_nt, labels_nt = made(5, 200_000, 1)
    truth = average_precision_score(labels_nt[:, 0], scores_nt[:, 0])
    covered = 0
    for part in np.array_split(np.random.default_rng(6).permutation(200_000)[:60_000], 200):
        low, high = bca_interval(scores_nt[part], labels_nt[part], 400, seed=0)
        covered += low <= truth <= high
    assert 0.90 <= covered / 200 <= 0.985


def test_too_few_resamples_are_refused():
    with pytest.raises(DataError, match="200"):
        resampled_maps(*made(0, 30, 1), 199, seed=0)


@pytest.mark.parametrize("resamples", [-1, 1, 199])
def test_too_few_resamples_are_refused_as_an_option(resamples):
    with pytest.raises(ValueError, match=f"must be 0, or >= 200: {resamples}"):
        RetrievalConfig(bootstrap=resamples)
