"""Scores of positions beside their classes."""

import numpy as np
import pytest

from traits_core import DataError, PositionLabels
from traits_core.scoring.positions import SelectedRows, labelled_positions, one_against_rest
from traits_core.testing.small_probe import Scores

LABELS = PositionLabels(
    labels_np=np.array([[0, 1, 2], [2, 2, 3], [3, 0, 1]]),
    class_names=("unlabelled", "beak", "wing", "sky"),
    ignore=(0, 3),
)
SEEN = [1, 2, 3, 4, 8]


def test_ignored_positions_are_neither_positive_nor_negative():
    rows_n = labelled_positions(LABELS, 9, 3)
    assert rows_n.tolist() == SEEN
    traits = one_against_rest(LABELS, rows_n)
    assert traits.names == ("beak", "wing")
    assert traits.labels_nt.tolist() == [
        [True, False],
        [False, True],
        [False, True],
        [False, True],
        [True, False],
    ]


@pytest.mark.parametrize(("rows", "positions"), [(9, 1), (12, 3), (18, 6)])
def test_classes_of_other_positions_are_refused(rows, positions):
    with pytest.raises(DataError, match=r"\[3, 3\] do not fit"):
        labelled_positions(LABELS, rows, positions)


@pytest.mark.parametrize("rows_n", [np.array(SEEN), np.arange(9), np.array([], int)], ids=len)
def test_selected_rows_are_those_rows_however_they_are_read(rows_n):
    scores_nk = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)
    scores_nk[scores_nk < 0] = 0
    matrix = SelectedRows(Scores(scores_nk, "sparse"), rows_n)
    wanted_nk = scores_nk[rows_n]
    assert (matrix.n_examples, matrix.n_prototypes, matrix.format) == (len(rows_n), 4, "sparse")
    np.testing.assert_array_equal(matrix.block(1, 3), wanted_nk[:, 1:3])
    for start, stop in ((0, len(rows_n)), (1, 3), (2, 2)):
        rows_bk = wanted_nk[start:stop]
        np.testing.assert_array_equal(matrix.rows(start, stop), rows_bk)
        entries = matrix.entries(start, stop)
        np.testing.assert_array_equal(np.diff(entries.offsets), np.count_nonzero(rows_bk, axis=1))
        np.testing.assert_array_equal(entries.values, rows_bk[rows_bk != 0])
        np.testing.assert_array_equal(entries.prototypes, np.nonzero(rows_bk)[1])
