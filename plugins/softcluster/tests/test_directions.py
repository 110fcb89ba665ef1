import pytest
import torch

from traits_core import DataError, check_activations
from traits_plugin_softcluster.directions import LARGEST, directions, normalized


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1e-3, 1.0, 1e15, 9e29])
def test_rows_of_any_size_get_length_one(size):
    rows_bd = torch.randn(20, 9, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    unit_bd, directed_b = directions(size * rows_bd, torch.zeros(9))
    assert directed_b.all()
    expected_bd = rows_bd.double() / rows_bd.double().norm(dim=1, keepdim=True)
    torch.testing.assert_close(unit_bd.double(), expected_bd, rtol=1e-6, atol=1e-6)


def test_a_row_equal_to_the_shift_has_no_direction():
    shift_d = torch.tensor([3.0, -1.0])
    unit_bd, directed_b = directions(torch.tensor([[3.0, -1.0], [3.0, 1.0]]), shift_d)
    assert directed_b.tolist() == [False, True]
    assert unit_bd.tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_sums_that_cancel_leave_the_centre_where_it_was():
    old_kd = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    new_kd = normalized(torch.tensor([[0.0, 0.0], [-4.0, 3.0]], dtype=torch.float64), old_kd)
    torch.testing.assert_close(new_kd, torch.tensor([[1.0, 0.0], [-0.8, 0.6]]))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf, 2e30])
def test_values_that_no_norm_can_hold_are_refused(bad):
    acts_bd = torch.zeros(3, 2)
    acts_bd[1, 1] = bad
    with pytest.raises(DataError, match=r"NaN, infinity or values beyond 1e\+30"):
        check_activations(acts_bd, 2, LARGEST)
