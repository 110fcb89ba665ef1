import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from traits_plugin_softcluster.centres import Centres, keep_members_, softmax_tile
from traits_plugin_softcluster.duplicates import duplicates
from traits_plugin_softcluster.members import BatchSums, Members

CPU = torch.device("cpu")


def unit(n, d, seed):
    rows = torch.randn(n, d, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(rows, dim=1)


def brute_force(soft_bk, logits_bk, found_bk, least):
    """Memberships of one row after the other, in float64; of equal logits, those that were found."""
    kept_bk = torch.zeros(soft_bk.shape, dtype=torch.float64)
    rows = zip(soft_bk.tolist(), logits_bk.tolist(), found_bk.tolist(), strict=True)
    for row, (soft_k, logits_k, found_k) in enumerate(rows):
        order = sorted(range(len(soft_k)), key=lambda k: (-logits_k[k], not found_k[k]))
        for k in order[: sum(found_k)]:
            if soft_k[k] >= min(least, max(soft_k)):
                kept_bk[row, k] = soft_k[k]
    return kept_bk


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(1, 30),
    k=st.integers(1, 40),
    members=st.integers(1, 40),
    least=st.sampled_from([0.0, 0.01, 0.2, 0.9]),
    temperature=st.sampled_from([0.01, 0.1, 1.0, 100.0]),
    seed=st.integers(0, 99),
)
def test_memberships_objective_and_sums_are_those_of_brute_force(
    n, k, members, least, temperature, seed
):
    members = min(members, k)
    rows_nd, centres = unit(n, 5, seed), Centres(unit(k, 5, seed + 100), temperature)
    tile_bk = softmax_tile(k, CPU)
    float_nk = centres.logits(rows_nd, tile_bk, centres.exact_route).clone()
    soft_nk = centres.softmax(rows_nd, tile_bk).clone()
    logits_nk = rows_nd.double() @ centres.centres_kd.double().T / temperature
    torch.testing.assert_close(soft_nk.double(), logits_nk.softmax(1), rtol=1e-3, atol=1e-6)

    found = Members.of(rows_nd, centres, members, least, tile_bk)
    found_nk = torch.zeros(n, k, dtype=torch.bool).scatter_(1, found.clusters_bj, True)
    assert (found_nk.sum(1) == members).all()
    kept_nk = brute_force(soft_nk, float_nk, found_nk, least)
    weights_nk = torch.zeros(n, k).scatter_(1, found.clusters_bj, found.weights_bj)
    expected_nk = kept_nk / kept_nk.sum(1, keepdim=True)
    torch.testing.assert_close(weights_nk.double(), expected_nk, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.captured_b.double(), kept_nk.sum(1), rtol=1e-5, atol=1e-6)
    assert torch.equal(soft_nk.gather(1, found.nearest_b[:, None])[:, 0], soft_nk.amax(1))
    entropies_n = torch.special.entr(expected_nk).sum(1)
    torch.testing.assert_close(found.entropies().double(), entropies_n, rtol=1e-4, atol=1e-5)

    cosines_n = centres.cosines(rows_nd, found.nearest_b)
    torch.testing.assert_close(found.cosines_b, cosines_n, rtol=1e-4, atol=1e-6 * (1 + temperature))
    mean_n = logits_nk.logsumexp(1) - torch.tensor(k, dtype=torch.float64).log()
    torch.testing.assert_close(
        found.soft_maxima_b.double(),
        temperature * mean_n,
        rtol=1e-4,
        atol=1e-5 + 1e-6 * temperature,
    )

    sums, expected_kd = BatchSums.zeros(k, 5, CPU), expected_nk.T @ rows_nd.double()
    sums.add_sparse(rows_nd, found.weights_bj, found.clusters_bj)
    torch.testing.assert_close(sums.sums_kd.double(), expected_kd, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(sums.masses_k.double(), expected_nk.sum(0), rtol=1e-4, atol=1e-5)
    if members == k:
        dense = BatchSums.zeros(k, 5, CPU)
        dense.add_dense(rows_nd, weights_nk)
        torch.testing.assert_close(dense.sums_kd, sums.sums_kd, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(dense.masses_k, sums.masses_k, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_clusters", [2, 256, 4096])
def test_no_row_is_ever_divided_by_zero(n_clusters):
    centres = Centres(unit(n_clusters, 5, seed=1), 1e4)  # all memberships are 1 / n_clusters
    rows_nd, tile_bk = unit(3, 5, seed=2), softmax_tile(n_clusters, CPU)
    for least in (0.0, 0.01, 0.999):
        found = Members.of(rows_nd, centres, min(16, n_clusters), least, tile_bk)
        assert found.weights_bj.isfinite().all()
        torch.testing.assert_close(found.weights_bj.sum(1), torch.ones(3))


def test_the_largest_membership_is_kept_and_others_below_the_least_are_not():
    soft_bk = torch.tensor([[0.3, 0.5, 0.2], [0.2, 0.4, 0.4]])
    kept_bk = keep_members_(soft_bk, 0.45)
    assert torch.equal(kept_bk, torch.tensor([[0.0, 0.5, 0.0], [0.0, 0.4, 0.4]]))


def test_a_batch_of_no_rows_adds_nothing():
    sums = BatchSums.zeros(40, 3, CPU)
    centres = Centres(unit(40, 3, seed=0), 0.1)
    found = Members.of(torch.zeros(0, 3), centres, 16, 0.01, softmax_tile(40, CPU))
    sums.add_sparse(torch.zeros(0, 3), found.weights_bj, found.clusters_bj)
    assert not sums.sums_kd.any()


def test_duplicates_are_centres_like_an_earlier_one():
    centres_kd = unit(150, 8, seed=3)
    tile_bk = softmax_tile(150, CPU)[:64]
    assert not duplicates(centres_kd, tile_bk).any()
    centres_kd[[7, 100, 149]] = centres_kd[[2, 2, 148]]
    assert duplicates(centres_kd, tile_bk).nonzero()[:, 0].tolist() == [7, 100, 149]


@pytest.mark.parametrize("n_clusters", [1, 1024, 4096, 65536])
def test_the_tile_stays_in_cache_whatever_the_number_of_clusters(n_clusters):
    tile_bk = softmax_tile(n_clusters, CPU)
    assert tile_bk.nbytes <= 16 << 20
    assert 64 <= len(tile_bk) <= 4096
