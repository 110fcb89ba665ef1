"""Which prototype a row goes to, and what is counted; scikit-learn's measures are the oracle."""

import numpy as np
import pytest
from sklearn.metrics import jaccard_score, normalized_mutual_info_score

from traits_core import DataError, ScoreEntries
from traits_core.probing.purity.assignment import Contingency, assign
from traits_core.scoring.entries import entries_of


class SparseScores:
    """A sparse `ScoreMatrix` that never shows a dense row."""

    format = "sparse"

    def __init__(self, scores_nk):
        self.scores_nk = scores_nk
        self.n_examples, self.n_prototypes = scores_nk.shape

    def entries(self, start, stop) -> ScoreEntries:
        return entries_of(self.scores_nk[start:stop])


@pytest.fixture
def scores_nk():
    scores_nk = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    scores_nk[3, [1, 4]] = 9
    scores_nk[7] = -1
    scores_nk[8] = 0
    return scores_nk


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_dense_rows_go_to_the_first_of_the_highest(memory_scores, scores_nk, rows):
    found_n = assign(memory_scores(scores_nk), rows)
    np.testing.assert_array_equal(found_n, scores_nk.argmax(axis=1))
    assert found_n[3] == 1


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_sparse_rows_go_where_dense_ones_do_but_never_to_a_score_of_zero(scores_nk, rows):
    found_n = assign(SparseScores(scores_nk), rows)
    positive_n = scores_nk.max(axis=1) > 0
    np.testing.assert_array_equal(found_n[positive_n], scores_nk.argmax(axis=1)[positive_n])
    assert set(found_n[~positive_n]) == {6}


def test_nan_is_refused(memory_scores, scores_nk):
    scores_nk[5, 5] = np.nan
    for scores in (memory_scores(scores_nk), SparseScores(scores_nk)):
        with pytest.raises(DataError, match="NaN"):
            assign(scores, 8)


@pytest.fixture
def sorted_rows():
    rng = np.random.default_rng(1)
    classes_n = rng.integers(4, size=300)
    assigned_n = np.where(rng.random(300) < 0.6, classes_n, rng.integers(6, size=300))
    return assigned_n, classes_n


def test_ious_and_mutual_information_equal_scikit_learns(sorted_rows):
    assigned_n, classes_n = sorted_rows
    found = Contingency.of(assigned_n, classes_n[:, None] == np.arange(4), 7)
    assert found.mutual_information == pytest.approx(
        normalized_mutual_info_score(classes_n, assigned_n), abs=1e-12
    )
    for k in range(6):
        for c in range(4):
            wanted = jaccard_score(classes_n == c, assigned_n == k)
            assert found.ious_kt[k, c] == pytest.approx(wanted, abs=1e-12)
    assert not found.ious_kt[6].any()


def test_mutual_information_needs_one_label_per_row(sorted_rows):
    assigned_n, classes_n = sorted_rows
    labels_nt = classes_n[:, None] == np.arange(4)
    assert Contingency.of(assigned_n, labels_nt[:, :3], 6).mutual_information is None
    labels_nt[0] = True
    assert Contingency.of(assigned_n, labels_nt, 6).mutual_information is None


def test_shares_of_a_prototype_without_rows_are_those_of_all():
    labels_nt = np.array([[True], [True], [False], [True]])
    found = Contingency.of(np.array([0, 0, 2, 3]), labels_nt, 3)
    assert found.shares_kt[:, 0].tolist() == [1, 0.75, 0, 1]
