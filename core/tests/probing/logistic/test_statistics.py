"""The sums are those of the rows, in whatever order, shards or form these come."""

import numpy as np
import pytest

from traits_core import DataError
from traits_core.probing.logistic.bins import Bins
from traits_core.probing.logistic.points import Points
from traits_core.probing.logistic.statistics import Statistics
from traits_core.records import ScoreEntries


def counted(bins, scores_nk, labels_nc):
    statistics = Statistics.zeros(bins, labels_nc.shape[1])
    statistics.accumulate_dense(scores_nk, labels_nc)
    return statistics


def entries_of(scores_nk):
    rows_e, prototypes_e = np.nonzero(scores_nk)
    offsets = np.searchsorted(rows_e, np.arange(len(scores_nk) + 1))
    return ScoreEntries(
        offsets=offsets.astype(np.int64),
        prototypes=prototypes_e.astype(np.int32),
        values=scores_nk[rows_e, prototypes_e],
    )


def assert_same(first, second, scores_nk):
    size = np.abs(scores_nk).astype(np.float64).sum(axis=0).max() + len(scores_nk)
    for name in ("moments_mkq", "sums_kc", "positives_c", "n_rows"):
        found, expected = getattr(first, name), getattr(second, name)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * size, err_msg=name)


def test_every_score_is_in_a_bin_around_it(scores_nk):
    bins = Bins.of(scores_nk, bits=3)
    units_nk, bins_nk = bins.assign(scores_nk)
    middles_q = bins.middles()
    assert len(middles_q) == bins.n_bins == 256
    half_nk = np.exp2(np.floor(np.log2(1 + np.abs(middles_q[bins_nk])))) / 16
    assert (np.abs(units_nk - middles_q[bins_nk]) <= half_nk * (1 + 1e-5)).all()
    for scores_n, bins_n in zip(scores_nk.T, bins_nk.T, strict=True):
        assert (np.diff(bins_n[np.argsort(scores_n)]) >= 0).all()


def test_what_is_far_away_is_in_the_last_bins():
    scores_nk = np.zeros((1 << 20, 1), np.float32)
    scores_nk[0], scores_nk[1] = 1, -1
    _, bins_nk = Bins.of(scores_nk, bits=3).assign(scores_nk)
    assert bins_nk[:3, 0].tolist() == [255, 0, 128]


def test_minus_zero_is_zero():
    scores_nk = np.array([[0.0], [-0.0], [1.0], [-1.0]], np.float32)
    _, bins_nk = Bins.of(scores_nk, bits=3).assign(scores_nk)
    assert bins_nk[0] == bins_nk[1]


def test_counts_and_sums_are_those_of_the_rows(scores_nk, labels_nc):
    statistics = counted(Bins.of(scores_nk, 3), scores_nk, labels_nc)
    points = Points.of(statistics)
    exact_nk = scores_nk.astype(np.float64)
    np.testing.assert_array_equal(statistics.moments_mkq[0].sum(axis=1), len(scores_nk))
    np.testing.assert_array_equal(statistics.positives_c, labels_nc.sum(axis=0))
    np.testing.assert_allclose(statistics.sums_kc, exact_nk.T @ labels_nc, rtol=1e-12)
    np.testing.assert_allclose(points.mean_k, exact_nk.mean(axis=0), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(points.sd_k, exact_nk.std(axis=0), rtol=1e-5)
    np.testing.assert_allclose(points.weights_kq.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(np.sum(points.weights_kq * points.z_kq, axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.sum(points.weights_kq * points.z_kq**2, axis=1), 1, rtol=1e-12)


def test_shards_add_up(scores_nk, labels_nc):
    bins = Bins.of(scores_nk, 3)
    whole = counted(bins, scores_nk, labels_nc)
    merged = Statistics.zeros(bins, labels_nc.shape[1])
    for shard in np.array_split(np.arange(len(scores_nk)), 7):
        merged.merge(counted(bins, scores_nk[shard], labels_nc[shard]))
    assert_same(merged, whole, scores_nk)


def test_rows_in_another_order_have_the_same_bins_and_sums(scores_nk, labels_nc):
    order_n = np.random.default_rng(1).permutation(len(scores_nk))
    bins, shuffled = Bins.of(scores_nk, 3), Bins.of(scores_nk[order_n], 3)
    np.testing.assert_array_equal(shuffled.centre_k, bins.centre_k)
    np.testing.assert_array_equal(shuffled.scale_k, bins.scale_k)
    assert_same(
        counted(shuffled, scores_nk[order_n], labels_nc[order_n]),
        counted(bins, scores_nk, labels_nc),
        scores_nk,
    )


def test_entries_and_dense_rows_give_the_same_statistics(scores_nk, labels_nc):
    bins = Bins.of(scores_nk, 3)
    dense = counted(bins, scores_nk, labels_nc)
    sparse = Statistics.zeros(bins, labels_nc.shape[1])
    for rows in (slice(0, 1000), slice(1000, 1000), slice(1000, None)):
        sparse.accumulate_sparse(entries_of(scores_nk[rows]), labels_nc[rows])
    np.testing.assert_allclose(sparse.sums_kc, dense.sums_kc, rtol=1e-12)
    size = len(scores_nk)
    np.testing.assert_allclose(sparse.complete_mkq(), dense.complete_mkq(), atol=1e-10 * size)


def test_rows_without_any_entry_are_zeros(labels_nc):
    """An all-zero matrix in compressed rows: no values, no prototypes."""
    nothing_nk = np.zeros((len(labels_nc), 4), np.float32)
    bins = Bins.of(nothing_nk, 3)
    statistics = Statistics.zeros(bins, labels_nc.shape[1])
    statistics.accumulate_sparse(entries_of(nothing_nk), labels_nc)
    dense = counted(bins, nothing_nk, labels_nc)
    np.testing.assert_array_equal(statistics.complete_mkq(), dense.complete_mkq())
    assert statistics.n_rows == len(labels_nc)


def test_infinite_scores_count_as_the_lowest_and_highest_finite_ones(labels_nc):
    scores_nk = np.random.default_rng(0).standard_normal((len(labels_nc), 3)).astype(np.float32)
    scores_nk[5, 0], scores_nk[6, 0], scores_nk[7, 1] = -np.inf, np.inf, -np.inf
    scores_nk[:, 2] = -np.inf
    finite_nk = np.clip(scores_nk, -1e30, 1e30)
    for k in (0, 1):
        inside = scores_nk[np.isfinite(scores_nk[:, k]), k]
        finite_nk[:, k] = np.clip(scores_nk[:, k], inside.min(), inside.max())
    finite_nk[:, 2] = 0
    found = counted(Bins.of(scores_nk, 3), scores_nk, labels_nc)
    expected = counted(Bins.of(finite_nk, 3), finite_nk, labels_nc)
    assert_same(found, expected, finite_nk)


def test_nan_is_refused_by_place():
    scores_nk = np.zeros((4, 3), np.float32)
    scores_nk[2, 1] = np.nan
    with pytest.raises(DataError, match="row 2 in column 1"):
        Bins.of(scores_nk, 3)
