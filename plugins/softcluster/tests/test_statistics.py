import pytest
import torch
from scipy.stats import vonmises_fisher

from traits_plugin_softcluster.statistics import analyze


@pytest.fixture
def acts_bd():
    return torch.randn(500, 8, generator=torch.Generator().manual_seed(0))


def test_statistics_are_those_of_the_sparse_memberships(scorer_of, acts_bd):
    acts_bd[7] = 0
    scorer = scorer_of(torch.randn(9, 8, generator=torch.Generator().manual_seed(1)))
    found = analyze(scorer, torch.split(acts_bd, 33))
    values_nj, clusters_nj = scorer.sparse(acts_bd)
    dense_nk = torch.zeros(500, 9).scatter_(1, clusters_nj, values_nj).double()
    torch.testing.assert_close(found.masses_k, dense_nk.sum(0))
    rows_nd = torch.nn.functional.normalize(acts_bd, dim=1)
    for k in range(9):
        mine = (clusters_nj[:, 0] == k) & (torch.arange(500) != 7)
        assert found.sizes_k[k] == mine.sum()
        entropies = torch.special.entr(dense_nk[mine]).sum(1)
        torch.testing.assert_close(found.mean_entropy_k[k], entropies.mean())
        cosines = (rows_nd[mine] @ scorer.centres.centres_kd[k]).double()
        torch.testing.assert_close(found.mean_cosine_k[k], cosines.mean())
    assert found.sizes_k.sum() == 499


@pytest.mark.parametrize("kappa", [5.0, 50.0, 500.0])
def test_the_density_of_a_planted_cluster_is_its_concentration(scorer_of, kappa):
    means_kd = torch.eye(10)[:2]
    rows_nd = torch.from_numpy(
        vonmises_fisher(means_kd[0].double().numpy(), kappa).rvs(20_000, random_state=0)
    ).float()
    scorer = scorer_of(means_kd[:1])
    density = float(analyze(scorer, [rows_nd]).density_k[0])
    assert density == pytest.approx(kappa, rel=0.03)


def test_clusters_without_rows_are_marked_and_finite(scorer_of):
    scorer = scorer_of(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    found = analyze(scorer, [torch.tensor([[1.0, 0.0], [2.0, 0.0]])])
    assert found.live_k.tolist() == [True, False]
    for values_k in (found.mean_entropy_k, found.mean_cosine_k, found.density_k):
        assert values_k.isfinite().all()
        assert values_k[1] == 0
