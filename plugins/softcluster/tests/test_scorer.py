import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from traits_core import StoreError, save_tensors
from traits_plugin_softcluster.scorer import SoftClusterScorer

CPU = torch.device("cpu")


@pytest.fixture
def scorer(scorer_of):
    generator = torch.Generator().manual_seed(1)
    shift_d = 100 + torch.randn(24, generator=generator)
    return scorer_of(torch.randn(37, 24, generator=generator), temperature=0.2, shift_d=shift_d)


@pytest.fixture
def acts_bd():
    return 100 + torch.randn(50, 24, generator=torch.Generator().manual_seed(2))


def exact(scorer, acts_bd):
    rows_bd = acts_bd.double() - scorer.shift_d.double()
    rows_bd /= rows_bd.norm(dim=1, keepdim=True)
    return softmax(rows_bd @ scorer.centres.centres_kd.double().T / 0.2, axis=1)


def test_scores_are_the_softmax_of_cosines_even_with_a_large_mean(scorer, acts_bd):
    scores_bk = scorer(acts_bd)
    assert scores_bk.dtype == torch.float32
    torch.testing.assert_close(
        scores_bk.double(), torch.as_tensor(exact(scorer, acts_bd)), rtol=1e-3, atol=1e-6
    )


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 49), min_size=1, max_size=60))
def test_the_score_of_a_row_depends_on_nothing_but_the_row(scorer, acts_bd, order):
    torch.testing.assert_close(scorer(acts_bd[order]), scorer(acts_bd)[order], rtol=1e-4, atol=1e-6)


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(members=st.integers(1, 37), least=st.sampled_from([0.0, 0.01, 0.3, 0.99]))
def test_sparse_scores_are_the_largest_that_count_of_the_scores(
    scorer_of, scorer, acts_bd, members, least
):
    scorer = scorer_of(
        scorer.centres.centres_kd,
        temperature=0.2,
        shift_d=scorer.shift_d,
        min_membership=least,
        members=members,
    )
    values_bj, clusters_bj = scorer.sparse(acts_bd)
    assert values_bj.shape == clusters_bj.shape == (50, members)
    largest_bj, _ = scorer(acts_bd).topk(members, dim=1)
    torch.testing.assert_close(scorer(acts_bd).gather(1, clusters_bj), largest_bj)
    counts_bj = (largest_bj >= least) | (torch.arange(members) == 0)
    kept_bj = torch.where(counts_bj, largest_bj, 0)
    torch.testing.assert_close(values_bj, kept_bj / kept_bj.sum(dim=1, keepdim=True))


def test_a_row_equal_to_the_shift_belongs_to_nothing(scorer, acts_bd):
    acts_bd[3] = scorer.shift_d
    scores_bk = scorer(acts_bd)
    values_bj, _ = scorer.sparse(acts_bd)
    sums_b = torch.ones(50)
    sums_b[3] = 0
    torch.testing.assert_close(scores_bk.sum(dim=1), sums_b)
    torch.testing.assert_close(values_bj.sum(dim=1), sums_b)


def test_rows_are_reconstructed_as_multiples_of_the_mean_of_their_centres(scorer, acts_bd):
    values_bj, clusters_bj = scorer.sparse(acts_bd)
    rows_bd = acts_bd.double() - scorer.shift_d
    for row_d, values_j, clusters_j, rebuilt_d in zip(
        rows_bd, values_bj, clusters_bj, scorer.reconstruct(acts_bd), strict=True
    ):
        mean_d = values_j.double() @ scorer.centres.centres_kd[clusters_j].double()
        factor, *_ = torch.linalg.lstsq(mean_d[:, None], row_d[:, None])
        expected_d = scorer.shift_d + factor.item() * mean_d
        torch.testing.assert_close(rebuilt_d.double(), expected_d, rtol=0, atol=1e-4)


def test_rows_of_one_cluster_are_reconstructed_on_its_ray_and_others_as_the_shift(scorer_of):
    scorer = scorer_of(torch.tensor([[1.0, 0.0]]), shift_d=torch.tensor([5.0, 7.0]))
    acts_bd = torch.tensor([[8.0, 11.0], [2.0, 11.0], [5.0, 7.0]])
    rebuilt_bd = torch.tensor([[8.0, 7.0], [5.0, 7.0], [5.0, 7.0]])
    assert torch.equal(scorer.reconstruct(acts_bd), rebuilt_bd)


def test_more_rows_than_fit_a_tile_score_as_few_do(scorer_of):
    scorer = scorer_of(torch.eye(6), temperature=0.5)
    acts_bd = torch.randn(9001, 6, generator=torch.Generator().manual_seed(0))
    whole_bk, parts = scorer(acts_bd), torch.split(acts_bd, 100)
    torch.testing.assert_close(whole_bk, torch.cat([scorer(part_bd) for part_bd in parts]))
    values_bj, _ = scorer.sparse(acts_bd)
    torch.testing.assert_close(values_bj, torch.cat([scorer.sparse(p)[0] for p in parts]))


def test_no_rows_give_no_scores(scorer):
    assert scorer(torch.zeros(0, 24)).shape == (0, 37)
    assert scorer.sparse(torch.zeros(0, 24))[1].shape == (0, 16)
    assert scorer.reconstruct(torch.zeros(0, 24)).shape == (0, 24)


def test_saved_and_loaded_it_scores_bit_for_bit_the_same(scorer, acts_bd, tmp_path):
    scorer.save(tmp_path)
    loaded = SoftClusterScorer.load(tmp_path, CPU)
    assert torch.equal(loaded(acts_bd), scorer(acts_bd))
    for ours, theirs in zip(loaded.sparse(acts_bd), scorer.sparse(acts_bd), strict=True):
        assert torch.equal(ours, theirs)


def test_a_scorer_of_another_kind_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"scorer\.safetensors"):
        SoftClusterScorer.load(tmp_path, CPU)
    save_tensors(tmp_path / "scorer.safetensors", {"x": torch.zeros(1)}, {"scorer": "other"})
    with pytest.raises(StoreError, match="not a soft-clustering scorer"):
        SoftClusterScorer.load(tmp_path, CPU)


def test_the_scorer_of_a_learner_does_not_change_with_it(learner, planted):
    rows_nd, *_ = planted(n=200)
    method = learner(16, n_clusters=4)
    method.initialize(rows_nd)
    scorer = method.scorer()
    before_bk = scorer(rows_nd)
    method.update(rows_nd)
    method.end_epoch()
    assert torch.equal(scorer(rows_nd), before_bk)
    assert not torch.equal(method.scorer()(rows_nd), before_bk)
