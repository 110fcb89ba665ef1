import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from traits_core import largest_per_row
from traits_core.learning.largest import by_all_threads, by_one_thread


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 1000),
    columns=st.sampled_from([5, 64, 200, 256, 1003, 4096]),
    n=st.sampled_from([1, 2, 5]),
    levels=st.sampled_from([0, 3, 50]),
    select=st.sampled_from([by_all_threads, by_one_thread]),
)
def test_the_largest_of_each_row_are_those_of_a_sort(seed, columns, n, levels, select):
    values_bk = torch.randn(7, columns, generator=torch.Generator().manual_seed(seed))
    if levels:  # ties
        values_bk = (values_bk * levels).round()
    found_bn, columns_bn = largest_per_row(values_bk, n, select)
    assert torch.equal(found_bn.sort(dim=1).values, values_bk.sort(dim=1).values[:, columns - n :])
    assert torch.equal(values_bk.gather(1, columns_bn), found_bn)
    assert all(len(set(row)) == n for row in columns_bn.tolist())


@pytest.mark.parametrize("columns", [40, 4096])
def test_of_no_rows_nothing_is_the_largest(columns):
    found_bn, columns_bn = largest_per_row(torch.zeros(0, columns), 16)
    assert found_bn.shape == columns_bn.shape == (0, 16)
