"""Separable pairs are found all and found alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from traits_core.probing.logistic.bins import Bins
from traits_core.probing.logistic.separation import separable_pairs, suspects
from traits_core.probing.logistic.statistics import Statistics


def found(scores_nk, labels_nc):
    statistics = Statistics.zeros(Bins.of(scores_nk, 3), labels_nc.shape[1])
    statistics.accumulate_dense(scores_nk, labels_nc)
    return separable_pairs(statistics, scores_nk, labels_nc), statistics


def by_definition(scores_n, labels_n):
    if labels_n.all() or not labels_n.any() or scores_n.min() == scores_n.max():
        return False
    yes_n, no_n = scores_n[labels_n], scores_n[~labels_n]
    return no_n.max() <= yes_n.min() or yes_n.max() <= no_n.min()


@given(data=st.data())
@settings(deadline=None, max_examples=300)
def test_flags_are_those_of_the_definition(data):
    n = data.draw(st.integers(1, 12))
    values = st.sampled_from([-3.0, -1.0, 0.0, 0.001, 0.002, 0.5, 1e6])
    scores_nk = data.draw(hnp.arrays(np.float32, (n, 3), elements=values))
    labels_nc = data.draw(hnp.arrays(np.bool_, (n, 4)))
    expected_kc = [[by_definition(s, y) for y in labels_nc.T] for s in scores_nk.T]
    np.testing.assert_array_equal(found(scores_nk, labels_nc)[0], expected_kc)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_gap_narrower_than_a_bin_is_seen(sign):
    """And one row on the wrong side of it, too."""
    scores_nk = np.sort(np.random.default_rng(0).standard_normal((20_000, 2)), axis=0)
    labels_nc = np.arange(20_000)[:, None] >= [19_000, 19_999, 10_000]
    scores_nk = (sign * scores_nk).astype(np.float32)
    flags_kc, _ = found(scores_nk, labels_nc)
    assert flags_kc.all()
    labels_nc[18_998, 0], labels_nc[9_998, 2] = True, True
    flags_kc, _ = found(scores_nk, labels_nc)
    assert flags_kc.tolist() == [[False, True, False]] * 2


def test_few_pairs_are_looked_at_row_by_row(scores_nk, labels_nc):
    flags_kc, statistics = found(scores_nk, labels_nc)
    assert not flags_kc.any()
    assert suspects(statistics).mean() < 0.1
