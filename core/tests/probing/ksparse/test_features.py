"""Which prototypes a classifier sees."""

import numpy as np
import pytest

from traits_core import DataError
from traits_core.probing.ksparse.features import Columns, label_correlations, strongest


@pytest.fixture
def labels_nt():
    return np.random.default_rng(1).random((50, 3)) < 0.4


@pytest.fixture
def scores(memory_scores):
    scores_nk = np.random.default_rng(2).normal(size=(50, 7)) + 3
    scores_nk[:, 4] = 0.1
    return memory_scores(scores_nk.astype(np.float32))


@pytest.mark.parametrize("block", [1, 3, 100])
def test_correlations_equal_numpys(scores, labels_nt, block):
    varying = [0, 1, 2, 3, 5, 6]
    both = np.corrcoef(scores.scores_nk[:, varying].T, labels_nt.T)
    found_kt = label_correlations(scores, labels_nt, block)
    np.testing.assert_allclose(found_kt[varying], both[:6, 6:], atol=1e-12)


def test_constant_scores_and_constant_labels_correlate_with_nothing(scores, labels_nt):
    labels_nt[:, 1] = True
    found_kt = label_correlations(scores, labels_nt, 4)
    assert not found_kt[4].any()
    assert not found_kt[:, 1].any()


def test_the_strongest_come_first_whatever_their_sign_and_ties_by_index():
    corr_kt = np.array([[0.1], [-0.5], [0.5 + 1e-14], [0.9], [0.0]])
    assert strongest(corr_kt, 3).tolist() == [[3, 1, 2]]
    assert strongest(corr_kt, 9).tolist() == [[3, 1, 2, 0, 4]]


def test_columns_are_read_once_each(scores):
    found = Columns.read(scores, np.array([[6, 0], [0, 5]]), block=3)
    assert scores.read == [(0, 3), (3, 6), (6, 7)]
    np.testing.assert_array_equal(found.of(np.array([5, 0])), scores.scores_nk[:, [5, 0]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused(scores, labels_nt, bad):
    scores.scores_nk[3, 2] = bad
    with pytest.raises(DataError, match="retrieval"):
        label_correlations(scores, labels_nt, 4)
