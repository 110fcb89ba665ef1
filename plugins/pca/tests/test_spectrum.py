import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.extmath import svd_flip

from traits_plugin_pca.spectrum import Spectrum, with_fixed_signs


@given(seed=st.integers(0, 1000))
def test_signs_are_those_of_scikit_learn_where_no_magnitudes_tie(seed):
    generator = torch.Generator().manual_seed(seed)
    components_kd = torch.randn(4, 9, generator=generator, dtype=torch.float64)
    _, expected_kd = svd_flip(None, components_kd.numpy(), u_based_decision=False)
    assert torch.equal(with_fixed_signs(components_kd), torch.from_numpy(expected_kd))


def test_of_equal_magnitudes_the_first_decides_though_rounding_makes_the_second_larger():
    component_d = torch.tensor([0.1, -0.7, 0.7 + 1e-9, 0.1], dtype=torch.float64)
    for sign in (1, -1):
        fixed_kd = with_fixed_signs(sign * component_d[None])
        assert torch.equal(fixed_kd, -component_d[None])


def test_rounding_errors_below_zero_are_no_variance():
    spectrum = Spectrum.of(torch.tensor([2.0, 1.0, -1e-9]).double(), torch.eye(3), 3.0, 100)
    assert spectrum.rank() == 2
    assert spectrum.variances_j.min() == 0
    assert spectrum.truncated(None, None).components_kd.shape == (2, 3)


def test_noise_variance_is_the_mean_of_what_is_left_out():
    variances_j = torch.tensor([4.0, 3.0, 2.0, 1.0]).double()
    spectrum = Spectrum.of(variances_j, torch.eye(4), 10.0, 100)
    assert spectrum.truncated(2, None).noise_variance == 1.5
    assert spectrum.truncated(None, 0.7).noise_variance == 1.5
    assert spectrum.truncated(None, None).noise_variance == 0.0
