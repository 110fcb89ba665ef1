import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from traits_core import DataError, StoreError, TraitsError

KINDS = ("gaussian", "orthogonal", "activations", "standardized")


def drawn(method, sample_nd):
    method.initialize(sample_nd)
    return method.scorer().prototypes_kd


@pytest.mark.parametrize("kind", KINDS)
@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(few=st.integers(1, 300), more=st.integers(1, 300), seed=st.integers(0, 5))
def test_fewer_prototypes_are_the_first_of_more(learner, sample_nd, kind, few, more, seed):
    few, more = sorted((few, more))
    small, large = (learner(7, kind=kind, n_prototypes=n, seed=seed) for n in (few, more))
    assert small.sample_rows == large.sample_rows
    assert torch.equal(drawn(small, sample_nd), drawn(large, sample_nd)[:few])


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides(learner, sample_nd, kind):
    first, again, other = (
        drawn(learner(7, kind=kind, n_prototypes=20, seed=seed), sample_nd) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_gaussian_directions_are_uniform_on_the_unit_sphere(learner, sample_nd):
    directions_kd = drawn(learner(7, kind="gaussian", n_prototypes=8192), sample_nd).double()
    torch.testing.assert_close(
        directions_kd.norm(dim=1), torch.ones(8192, dtype=torch.float64), rtol=1e-6, atol=0
    )
    covariance_dd = 7 * directions_kd.T @ directions_kd / 8192
    torch.testing.assert_close(covariance_dd, torch.eye(7, dtype=torch.float64), rtol=0, atol=0.06)
    assert directions_kd.mean(dim=0).abs().max() < 0.02


@pytest.mark.parametrize("kind", ["gaussian", "orthogonal"])
def test_directions_do_not_depend_on_the_sample(learner, sample_nd, kind):
    first, second = (learner(7, kind=kind, n_prototypes=9) for _ in range(2))
    assert torch.equal(drawn(first, sample_nd), drawn(second, sample_nd[:0]))


def test_orthogonal_directions_are_orthonormal_within_each_block(learner, sample_nd):
    directions_kd = drawn(learner(7, kind="orthogonal", n_prototypes=17), sample_nd).double()
    for block_kd in torch.split(directions_kd, 7):
        products_kk = block_kd @ block_kd.T
        identity_kk = torch.eye(len(block_kd), dtype=torch.float64)
        torch.testing.assert_close(products_kk, identity_kk, rtol=0, atol=1e-6)
    assert (directions_kd[:7] @ directions_kd[7:14].T).abs().max() < 0.999


def test_orthogonal_directions_are_uniform_over_rotations_and_reflections(learner, sample_nd):
    blocks_bkd = drawn(learner(7, kind="orthogonal", n_prototypes=7 * 2000), sample_nd)
    blocks_bkd = blocks_bkd.double().view(2000, 7, 7)
    # Under the Haar measure entries have mean 0 and E[trace^2] = 1; without its signs, the Q of a
    # factorisation has a diagonal of one sign.
    assert blocks_bkd.mean(dim=0).abs().max() < 0.04
    traces_b = blocks_bkd.diagonal(dim1=1, dim2=2).sum(dim=1)
    assert 0.85 < float(traces_b.square().mean()) < 1.15
    assert 0.45 < float((torch.linalg.det(blocks_bkd) > 0).double().mean()) < 0.55


def test_standardized_scores_are_dot_products_of_standardized_activations(learner, sample_nd):
    sample_nd = sample_nd * torch.tensor([1e-3, 1, 5, 100, 1, 1, 0]) + 50.3
    options = {"n_prototypes": 20, "seed": 3}
    rows_kd = drawn(learner(7, kind="activations", **options), sample_nd).double()
    method = learner(7, kind="standardized", **options)
    method.initialize(sample_nd)
    deviation_d, mean_d = torch.std_mean(sample_nd[:, :6].double(), dim=0, correction=0)
    standard_nd = (sample_nd[:, :6] - mean_d) / deviation_d
    expected_nk = standard_nd @ ((rows_kd[:, :6] - mean_d) / deviation_d).T
    torch.testing.assert_close(
        method.scorer()(sample_nd).double(), expected_nk, rtol=0, atol=0.01
    )  # near 50, float32 holds the first feature to 0.4 % of its deviation


def test_activations_that_do_not_vary_cannot_be_standardized(learner):
    with pytest.raises(DataError, match="do not vary"):
        learner(7, kind="standardized", n_prototypes=3).initialize(torch.ones(10, 7))


def test_activations_are_distinct_rows_of_the_sample(learner, sample_nd):
    rows_kd = drawn(learner(7, kind="activations", n_prototypes=100), sample_nd)
    rows = {tuple(row) for row in rows_kd.tolist()}
    assert len(rows) == 100
    assert rows <= {tuple(row) for row in sample_nd.tolist()}


def test_activations_are_not_the_first_rows_of_the_sample(learner, sample_nd):
    rows_kd = drawn(learner(7, kind="activations", n_prototypes=100), sample_nd)
    last = {tuple(row) for row in sample_nd[150:].tolist()}
    assert 30 <= sum(tuple(row) in last for row in rows_kd.tolist()) <= 70


def test_it_is_done_at_once(learner, sample_nd):
    method = learner(7)
    method.initialize(sample_nd)
    assert method.done
    assert method.max_epochs == 0
    assert method.update(sample_nd) == {}
    assert method.end_epoch() == {}


@pytest.mark.parametrize("kind", ["activations", "standardized"])
def test_more_activations_than_rows_are_refused_with_both_numbers(learner, sample_nd, kind):
    method = learner(7, kind=kind, n_prototypes=301)
    with pytest.raises(
        DataError, match=r"301 prototypes from a sample of 300.*n_prototypes to 300"
    ):
        method.initialize(sample_nd)


def test_many_activations_ask_for_as_many_rows(learner):
    assert learner(7, kind="activations", n_prototypes=20_000).sample_rows == 20_000


@pytest.mark.parametrize("kind", KINDS)
def test_every_process_takes_the_prototypes_of_rank_0(learner, sample_nd, kind):
    class SecondOfTwo:
        world_size, rank = 2, 1

        def all_sum(self, *tensors):
            for tensor in tensors:
                assert not tensor.any()
                tensor.fill_(5.0)

    method = learner(7, kind=kind, n_prototypes=3, comm=SecondOfTwo())
    method.initialize(sample_nd)
    assert all((tensor == 5.0).all() for tensor in method.state_dict().values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_restores_the_prototypes(learner, sample_nd, kind):
    method, fresh = (learner(7, kind=kind, n_prototypes=20) for _ in range(2))
    method.initialize(sample_nd)
    fresh.load_state_dict(method.state_dict())
    assert torch.equal(fresh.scorer()(sample_nd), method.scorer()(sample_nd))


def test_a_checkpoint_of_other_options_is_refused(learner):
    written = learner(7, n_prototypes=20).state_dict()
    for options in ({"n_prototypes": 21}, {"n_prototypes": 20, "kind": "standardized"}):
        with pytest.raises(StoreError, match="random prototypes"):
            learner(7, **options).load_state_dict(written)


@pytest.mark.parametrize(
    "bad",
    [
        torch.full((4, 7), torch.nan),
        torch.full((4, 7), -torch.inf),
        torch.zeros(4, 5),
        torch.zeros(7),
        torch.zeros(4, 7, dtype=torch.int64),
    ],
    ids=["nan", "infinity", "width", "one-dimensional", "integer"],
)
def test_bad_activations_are_refused_by_shape(learner, bad):
    method = learner(7, n_prototypes=4)
    for call in (method.initialize, method.update, method.scorer()):
        with pytest.raises(TraitsError) as refusal:
            call(bad)
        assert str(tuple(bad.shape)) in str(refusal.value)


def test_global_state_is_untouched(learner, sample_nd):
    before = torch.get_rng_state()
    for kind in KINDS:
        learner(7, kind=kind, n_prototypes=10).initialize(sample_nd)
    assert torch.equal(before, torch.get_rng_state())
