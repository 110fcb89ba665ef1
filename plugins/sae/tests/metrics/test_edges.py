"""Where the formulas divide by zero, and sums over processes."""

import pytest
import torch

from traits_core import DataError, ReconstructionSums
from traits_plugin_sae.metrics.correlation import CorrelationSums
from traits_plugin_sae.metrics.cross_entropy import cross_entropy_recovered
from traits_plugin_sae.metrics.geometry import coherence, mean_max_cosine
from traits_plugin_sae.metrics.latents import LatentSums


def reconstruction(z, z_hat):
    sums = ReconstructionSums(z[0])
    sums.add(z, z_hat)
    return sums.measured()


class TwoProcesses:
    """Adds the sums of another process, given in the order that they are asked for."""

    def __init__(self, *theirs):
        self.theirs = theirs

    def all_sum(self, *tensors):
        for mine, theirs in zip(tensors, self.theirs, strict=True):
            mine.add_(theirs)


def test_equal_activations_are_explained_perfectly_or_not_at_all():
    z = torch.full((100, 5), 0.1)
    perfect, wrong = reconstruction(z, z), reconstruction(z, z + 0.3)
    assert (perfect.mse, perfect.normalized_mse, perfect.explained_variance) == (0, 0, 1)
    assert (wrong.normalized_mse, wrong.explained_variance) == (1, 0)
    # A constant error has no variance: the definition that looks at variances calls it perfect.
    assert perfect.explained_variance_elementwise == 1
    assert wrong.explained_variance_elementwise == 1


def test_a_constant_dimension_adds_error_but_no_variance():
    z = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    z[:, 1] = 1 / 3
    z_hat = z.clone()
    z_hat[:, 1] += 1
    sst = (z - z.mean(dim=0)).double().square().sum().item()
    assert reconstruction(z, z_hat).normalized_mse == pytest.approx(40 / sst)


def test_of_one_row_variance_is_that_between_its_elements():
    z, z_hat = torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[1.0, 2.5, 4.0]])
    found = reconstruction(z, z_hat)
    assert found.explained_variance == 0
    assert found.explained_variance_elementwise == pytest.approx(
        (1 - (z_hat - z).var() / z.var()).item()
    )


def test_a_large_mean_costs_no_digits():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(1000, 4, generator=generator)
    z_hat = z + 0.1 * torch.randn(1000, 4, generator=generator)
    far = 2.0**40  # added without rounding in float64
    near, moved = (
        reconstruction(z.double() + shift, z_hat.double() + shift) for shift in (0.0, far)
    )
    assert moved.explained_variance == pytest.approx(near.explained_variance, rel=1e-3)


def test_no_rows_are_refused():
    with pytest.raises(DataError, match="no activations"):
        ReconstructionSums(torch.zeros(3)).measured()
    with pytest.raises(DataError, match="no rows"):
        LatentSums.of_none(3).measured()


def test_other_shapes_are_refused():
    sums = ReconstructionSums(torch.zeros(3))
    with pytest.raises(DataError, match=r"both must be \(rows, 3\)"):
        sums.add(torch.zeros(2, 3), torch.zeros(3, 3))


def test_reconstructions_of_two_processes_add_up():
    z = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    z_hat = z.round()
    ours, theirs = ReconstructionSums(z[0]), ReconstructionSums(z[0])
    ours.add(z[:25], z_hat[:25])
    theirs.add(z[25:], z_hat[25:])
    acts, errors = theirs.activations, theirs.residuals
    ours.all_sum(TwoProcesses(theirs.n, acts.sum_d, acts.squares_d, errors.sum_d, errors.squares_d))
    whole = reconstruction(z, z_hat)
    assert ours.measured().rows == 60
    assert ours.measured().explained_variance == pytest.approx(whole.explained_variance)
    assert ours.measured().mse == pytest.approx(whole.mse)


def test_latents_of_two_processes_add_up():
    f = torch.randn(60, 9, generator=torch.Generator().manual_seed(0)).relu()
    whole, ours, theirs = (LatentSums.of_none(9) for _ in range(3))
    pairs, our_pairs, their_pairs = (CorrelationSums.of_none(9, 6, 0) for _ in range(3))
    for sums, rows in ((whole, f), (ours, f[:20]), (theirs, f[20:])):
        sums.add(rows)
    for sums, rows in ((pairs, f), (our_pairs, f[:20]), (their_pairs, f[20:])):
        sums.add(rows)
    ours.all_sum(TwoProcesses(theirs.n, theirs.active_s, theirs.magnitude_s))
    our_pairs.all_sum(TwoProcesses(their_pairs.n, their_pairs.sum_p, their_pairs.products_pp))
    assert ours.measured().log_frequencies == whole.measured().log_frequencies
    assert ours.measured().l1 == pytest.approx(whole.measured().l1)
    assert our_pairs.mean_absolute() == pytest.approx(pairs.mean_absolute())


def test_latents_that_never_vary_are_in_no_correlation():
    f = torch.randn(50, 5, generator=torch.Generator().manual_seed(0)).relu()
    f[:, 1], f[:, 2] = 0, 0.1
    sums = CorrelationSums.of_none(5, 5, 0)
    sums.add(f)
    corr = torch.corrcoef(f[:, [0, 3, 4]].double().T)
    assert sums.mean_absolute() == pytest.approx(corr.triu(1).abs().sum().item() / 3)


@pytest.mark.parametrize("rows", [torch.zeros(20, 4), torch.ones(1, 4)])
def test_without_two_latents_that_vary_there_is_no_correlation(rows):
    sums = CorrelationSums.of_none(4, 4, 0)
    sums.add(rows)
    assert sums.mean_absolute() is None


def test_dead_latents_are_in_no_bin_and_the_most_frequent_in_the_last():
    f = torch.zeros(1000, 4)
    f[:, 0] = 1
    f[:100, 1] = 1  # a tenth is not more than a tenth
    f[0, 2] = 1
    sums = LatentSums.of_none(4)
    sums.add(f)
    found = sums.measured()
    assert found.dead_fraction == 0.25
    assert found.dense_fraction == 0.25
    frequencies = dict(zip(found.log_frequencies.edges, found.log_frequencies.counts, strict=False))
    assert {edge for edge, count in frequencies.items() if count} == {-3.0, -1.0, -0.25}
    assert found.log_frequencies.edges[-1] == 0
    assert sum(found.log_frequencies.counts) == 3


def test_magnitudes_up_to_1e_8_are_inactive():
    sums = LatentSums.of_none(3)
    sums.add_sparse(torch.tensor([[1e-8, 1.1e-8]]), torch.tensor([[0, 2]]))
    assert sums.active_s.tolist() == [0, 0, 1]


def test_a_latent_that_is_there_twice_has_coherence_one():
    decoder = torch.eye(6)[:, :5]  # the last row is zero: like none
    assert coherence(decoder) == 0
    assert coherence(torch.cat([decoder, -3 * decoder[2:3]])) == pytest.approx(1)
    assert coherence(torch.ones(1, 5)) == 0
    assert mean_max_cosine(torch.eye(5), decoder) == 1


def test_cross_entropy_recovered():
    assert cross_entropy_recovered(2.0, 2.0, 10.0) == 1
    assert cross_entropy_recovered(2.0, 10.0, 10.0) == 0
    assert cross_entropy_recovered(2.0, 4.0, 10.0) == 0.75
    assert cross_entropy_recovered(2.0, 2.5, 2.0) is None
