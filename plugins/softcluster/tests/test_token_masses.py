import numpy as np
import pytest

from traits_plugin_softcluster.position_members import PositionMembers
from traits_plugin_softcluster.token_masses import TokenMasses


@pytest.fixture
def blocks():
    """Memberships of 3 of 7 clusters at most, of 5 token ids."""
    rng = np.random.default_rng(0)
    found = []
    for chunk in range(4):
        clusters_bsj = np.argsort(rng.random((6, 9, 7)), axis=2)[:, :, :3]
        values_bsj = (rng.random((6, 9, 3)) * (rng.random((6, 9, 3)) < 0.6)).astype(np.float32)
        values_bsj[clusters_bsj == 6] = 0
        tokens_bs = rng.integers(5, size=(6, 9)) * 1000
        found.append(PositionMembers(chunk, 0, tokens_bs, values_bsj, clusters_bsj))
    return found


@pytest.fixture
def masses(blocks):
    found = TokenMasses.empty(7)
    for block in blocks:
        found = found.plus(block)
    return found


def test_masses_are_sums_over_all_positions(blocks, masses):
    expected_kv = np.zeros((7, 4001))
    for block in blocks:
        for place in np.argwhere(block.values_bsj > 0):
            pair = block.clusters_bsj[tuple(place)], block.tokens_bs[tuple(place[:2])]
            expected_kv[pair] += block.values_bsj[tuple(place)]
    np.testing.assert_allclose(masses.masses_kv.toarray(), expected_kv)


def test_the_largest_are_parts_of_the_mass_of_a_cluster(masses):
    tokens_kn, parts_kn = masses.largest(8)
    assert (tokens_kn[6] == -1).all()
    assert not parts_kn[6].any()
    dense_kv = masses.masses_kv.toarray()[:6]
    expected_kv = dense_kv / dense_kv.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(parts_kn[:6, :5], -np.sort(-expected_kv, axis=1)[:, :5])
    for k in range(6):
        np.testing.assert_allclose(expected_kv[k, tokens_kn[k, :5]], parts_kn[k, :5])
    few_kn, _ = masses.largest(2)
    assert np.array_equal(few_kn, tokens_kn[:, :2])


def test_ids_of_positions_without_members_do_not_count(masses):
    nowhere = np.zeros((1, 1, 3))
    largest = np.full((1, 1), np.iinfo(np.int64).max)
    padding = PositionMembers(4, 0, largest, nowhere.astype(np.float32), nowhere.astype(np.int64))
    after = masses.plus(padding)
    np.testing.assert_array_equal(after.masses_kv.toarray(), masses.masses_kv.toarray())


def test_no_positions_have_no_masses():
    tokens_kn, parts_kn = TokenMasses.empty(3).largest(2)
    assert (tokens_kn == -1).all()
    assert not parts_kn.any()
