"""Scores as compressed sparse rows, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_matrix

from traits_core import DataError, ScoreEntries
from traits_core.scoring.entries import block_of, entries_of

SCORES = arrays(
    np.float32,
    st.tuples(st.integers(0, 6), st.integers(1, 5)),
    elements=st.sampled_from([0.0, -0.0, 1.5, -2.0, np.nan, np.inf]),
)


@given(SCORES)
def test_entries_are_the_rows_that_scipy_compresses(scores_bk):
    found, expected = entries_of(scores_bk), csr_matrix(scores_bk)
    np.testing.assert_array_equal(found.offsets, expected.indptr)
    np.testing.assert_array_equal(found.prototypes, expected.indices)
    np.testing.assert_array_equal(found.values, expected.data)
    assert (found.offsets.dtype, found.prototypes.dtype, found.values.dtype) == (
        np.int64,
        np.int32,
        np.float32,
    )


@given(SCORES, st.data())
def test_a_block_of_entries_is_the_columns_of_the_scores(scores_bk, data):
    start = data.draw(st.integers(0, scores_bk.shape[1]))
    stop = data.draw(st.integers(start, scores_bk.shape[1]))
    block_nk = block_of(entries_of(scores_bk), start, stop)
    np.testing.assert_array_equal(block_nk, scores_bk[:, start:stop])


@pytest.mark.parametrize(
    ("offsets", "n"), [([], 0), ([1, 2], 2), ([0, 1], 2), ([0, 3], 2)], ids=str
)
def test_entries_that_do_not_fit_their_offsets_are_refused(offsets, n):
    with pytest.raises(DataError, match="offsets must go from 0"):
        ScoreEntries(
            offsets=np.array(offsets, np.int64),
            prototypes=np.zeros(n, np.int32),
            values=np.ones(n, np.float32),
        )
