"""Rows without their zeros are, in every operation, scipy's compressed sparse rows, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_matrix

from traits_core.stores.entries import Entries, bits, column_dtype

WIDE = 1 << 16
DTYPES = ["<f4", "<f2", "<u2"]  # bfloat16 is kept as uint16
dtypes = st.sampled_from(DTYPES)
n_rows, n_columns = st.integers(1, 6), st.integers(1, 5)


@st.composite
def rows_of(draw, dtype, rows, columns):
    """Mostly zeros, and some rows of them, of any other bits: NaN and negative zeros too."""
    integers = f"u{np.dtype(dtype).itemsize}"
    rows_bk = draw(hnp.arrays(integers, (rows, columns), fill=st.just(0)))
    rows_bk[draw(hnp.arrays(bool, rows))] = 0
    return rows_bk.view(dtype)


@st.composite
def matrices(draw, columns=n_columns):
    return draw(rows_of(draw(dtypes), draw(n_rows), draw(columns)))


def scipys(rows_bk):
    """CSR of the bits, so that nothing is compared as a number."""
    return csr_matrix(bits(rows_bk))


def assert_is(entries, rows_bk):
    """The entries are those of scipy, and the rows come back."""
    theirs = scipys(rows_bk)
    assert len(entries) == len(rows_bk)
    assert np.array_equal(entries.ends, theirs.indptr[1:])
    assert np.array_equal(entries.columns, theirs.indices)
    assert np.array_equal(bits(entries.values), theirs.data)
    assert entries.columns.dtype == column_dtype(rows_bk.shape[1])
    assert np.array_equal(bits(entries.dense()), bits(rows_bk))


@given(matrices())
def test_entries_are_those_of_scipy_and_make_the_rows_again(rows_bk):
    assert_is(Entries.of(rows_bk), rows_bk)


@given(st.data(), matrices())
def test_rows_that_lie_anywhere_in_memory_have_the_same_entries(data, rows_bk):
    step = data.draw(st.sampled_from([1, 2, -1]))
    for some_bk in (rows_bk[:, ::step], rows_bk.T, np.asfortranarray(rows_bk)):
        assert_is(Entries.of(some_bk), some_bk)


@given(st.data(), matrices())
def test_some_rows_have_the_entries_of_these_rows(data, rows_bk):
    start = data.draw(st.integers(0, len(rows_bk)))
    stop = data.draw(st.integers(start, len(rows_bk) + 2))
    for rows in (slice(start, stop), slice(stop), slice(None)):
        found = Entries.of(rows_bk)[rows]
        assert np.array_equal(bits(found.dense()), bits(rows_bk[rows]))
        if len(found):
            assert_is(found, rows_bk[rows])


@given(st.data(), dtypes, n_columns)
def test_parts_below_each_other_are_stacked(data, dtype, columns):
    parts = data.draw(st.lists(n_rows, min_size=1, max_size=4))
    parts = [data.draw(rows_of(dtype, rows, columns)) for rows in parts]
    assert_is(Entries.below([Entries.of(part) for part in parts]), np.concatenate(parts))


@given(st.data(), dtypes, n_rows)
def test_parts_beside_each_other_are_side_by_side_in_whatever_order_they_come(data, dtype, rows):
    widths = data.draw(st.lists(n_columns, min_size=1, max_size=4))
    parts = [data.draw(rows_of(dtype, rows, width)) for width in widths]
    firsts = np.cumsum([0, *widths]).tolist()
    given_parts = [(first, Entries.of(part)) for first, part in zip(firsts, parts, strict=False)]
    found = Entries.beside(data.draw(st.permutations(given_parts)), firsts[-1])
    assert_is(found, np.concatenate(parts, axis=1))


@given(st.data(), matrices())
def test_padding_puts_zeros_below_and_to_the_right(data, rows_bk):
    below, right = data.draw(st.integers(0, 3)), data.draw(st.sampled_from([0, 2, WIDE]))
    found = Entries.of(rows_bk).padded(len(rows_bk) + below, rows_bk.shape[1] + right)
    assert_is(
        found,
        np.pad(rows_bk.view(bits(rows_bk).dtype), ((0, below), (0, right))).view(rows_bk.dtype),
    )


@given(matrices())
def test_places_lie_in_rows_as_wide_as_is_asked_for(rows_bk):
    width = rows_bk.shape[1] + 3
    theirs = scipys(rows_bk).tocoo()
    assert np.array_equal(Entries.of(rows_bk).places(width), theirs.row * width + theirs.col)


@given(st.data(), matrices())
def test_entries_that_were_rounded_to_zero_are_left_out(data, rows_bk):
    entries = Entries.of(rows_bk)
    lost = data.draw(hnp.arrays(bool, len(entries.values)))
    entries.values[lost] = 0
    assert_is(entries.without_zeros(), entries.dense())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [WIDE, WIDE + 1])
def test_rows_that_are_wider_than_16_bits_count_have_wider_columns(dtype, width):
    rows_bk = np.zeros((3, width), dtype)
    rows_bk[[0, 0, 2], [0, width - 1, width - 2]] = [3, 1, 2]
    entries = Entries.of(rows_bk)
    assert entries.columns.dtype == ("<u2" if width == WIDE else "<u4")
    assert_is(entries, rows_bk)
    assert_is(Entries.below([entries, entries[1:2]]), np.concatenate([rows_bk, rows_bk[1:2]]))
    halves = [(0, Entries.of(rows_bk[:, :7])), (7, Entries.of(rows_bk[:, 7:]))]
    assert_is(Entries.beside(halves, width), rows_bk)


def test_a_negative_zero_is_an_entry():
    entries = Entries.of(np.array([[0.0, -0.0, 1.0]], "<f4"))
    assert entries.columns.tolist() == [1, 2]
    assert entries.without_zeros() is entries
    assert np.signbit(entries.dense()).tolist() == [[False, True, False]]
