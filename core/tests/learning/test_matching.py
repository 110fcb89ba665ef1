import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from traits_core import DataError, match_directions


def unit(k, d, seed):
    rows = torch.randn(k, d, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(rows, dim=1)


@settings(deadline=None, max_examples=30)
@given(k=st.integers(1, 5), extra=st.integers(0, 1), seed=st.integers(0, 99))
def test_the_matching_is_the_best_of_all_permutations(k, extra, seed):
    first_kd, second_kd = unit(k, 3, seed), unit(k + extra, 3, seed + 100)
    found = match_directions(first_kd, second_kd)
    cosines_kk = first_kd @ second_kd.T
    best = max(
        float(sum(cosines_kk[i, j] for i, j in enumerate(order)))
        for order in itertools.permutations(range(k + extra), k)
    )
    assert float(found.cosines_j.sum()) == pytest.approx(best, abs=1e-5)
    torch.testing.assert_close(found.cosines_j, cosines_kk[found.first_j, found.second_j])


def test_shuffled_directions_are_found_again():
    first_kd = unit(50, 16, 0)
    order_k = torch.randperm(50, generator=torch.Generator().manual_seed(1))
    found = match_directions(first_kd, first_kd[order_k])
    assert torch.equal(order_k[found.second_j], found.first_j)
    assert found.stable(0.99) == 1.0


def test_directions_of_different_widths_are_refused():
    with pytest.raises(DataError, match="3 and of 4 dimensions"):
        match_directions(torch.eye(3), torch.eye(4))


def test_length_does_not_matter_and_zeros_match_nothing():
    first_kd = unit(4, 8, 0)
    found = match_directions(first_kd, 7 * first_kd)
    torch.testing.assert_close(found.cosines_j, torch.ones(4))
    first_kd[2] = 0
    assert match_directions(first_kd, first_kd).stable() == 0.75
