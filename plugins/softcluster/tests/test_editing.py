import pytest
import torch

from traits_core import DataError, match_directions
from traits_plugin_softcluster.editing import merge_clusters, split_cluster
from traits_plugin_softcluster.tree import centre_tree, cut_tree


def test_merged_centres_are_weighted_directions_and_the_rest_stays(scorer_of):
    scorer = scorer_of(torch.eye(4), shift_d=torch.arange(4.0))
    groups_k, masses_k = torch.tensor([1, 0, 1, 2]), torch.tensor([3.0, 1.0, 4.0, 1.0])
    merged = merge_clusters(scorer, groups_k, masses_k)
    expected = [[0.0, 1.0, 0.0, 0.0], [0.6, 0.0, 0.8, 0.0], [0.0, 0.0, 0.0, 1.0]]
    torch.testing.assert_close(merged.centres.centres_kd, torch.tensor(expected))
    assert torch.equal(merged.shift_d, scorer.shift_d)
    assert merged.centres.temperature == scorer.centres.temperature
    assert merged.n_prototypes == merged.members == 3


def test_too_many_clusters_merge_into_the_planted_ones(learner, fit, planted):
    rows_nd, _, means_kd = planted(kappa=300.0)
    method = learner(16, n_clusters=30, temperature=0.003, center=False)
    fit(method, rows_nd)
    scorer = method.scorer()
    groups_k = cut_tree(centre_tree(scorer.centres.centres_kd), 12)
    merged = merge_clusters(scorer, groups_k, torch.ones(30))
    assert float(match_directions(merged.centres.centres_kd, means_kd).cosines_j.min()) > 0.97


@pytest.mark.parametrize("groups", [[0, 2, 0, 0], [0, -1, 1, 1], [0, 1, 1]])
def test_groups_with_gaps_are_refused(scorer_of, groups):
    with pytest.raises(DataError, match="without gaps"):
        merge_clusters(scorer_of(torch.eye(4)), torch.tensor(groups), torch.ones(len(groups)))


def test_centres_that_cancel_are_refused(scorer_of):
    scorer = scorer_of(torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]))
    with pytest.raises(DataError, match="cancel"):
        merge_clusters(scorer, torch.tensor([0, 0, 1]), torch.ones(3))


def test_a_cluster_of_two_planted_ones_splits_into_them(scorer_of, planted):
    rows_nd, _, means_kd = planted(kappa=300.0)
    one_d = means_kd[3] + means_kd[4]
    others_kd = means_kd[[k for k in range(12) if k not in (3, 4)]]
    scorer = scorer_of(torch.cat([one_d[None], others_kd]))
    split = split_cluster(scorer, 0, rows_nd)
    assert split.n_prototypes == 12
    torch.testing.assert_close(split.centres.centres_kd[1:11], scorer.centres.centres_kd[1:])
    halves_2d = split.centres.centres_kd[[0, 11]]
    assert float(match_directions(halves_2d, means_kd[3:5]).cosines_j.min()) > 0.99


@pytest.mark.parametrize("cluster", [-1, 2])
def test_a_cluster_that_is_not_there_cannot_be_split(scorer_of, cluster):
    with pytest.raises(DataError, match=f"cluster must be from 0 to 1, got {cluster}"):
        split_cluster(scorer_of(torch.eye(2)), cluster, torch.eye(2))


def test_a_cluster_of_equal_rows_cannot_be_split(scorer_of):
    scorer = scorer_of(torch.eye(2))
    for sample_nd in (torch.eye(2)[:1].repeat(5, 1), torch.eye(2)[1:]):
        with pytest.raises(DataError, match="cluster 0 has no two different rows"):
            split_cluster(scorer, 0, sample_nd)
