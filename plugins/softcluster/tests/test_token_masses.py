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


def test_masses_are_sums_over_all_positions(blocks):
    masses, expected = TokenMasses.empty(), {}
    for block in blocks:
        masses = masses.plus(block)
        for place in np.argwhere(block.values_bsj > 0):
            pair = block.clusters_bsj[tuple(place)], block.tokens_bs[tuple(place[:2])]
            expected[pair] = expected.get(pair, 0.0) + float(block.values_bsj[tuple(place)])
    pairs = list(zip(masses.clusters_e, masses.tokens_e, strict=True))
    assert pairs == sorted(expected)
    np.testing.assert_allclose(masses.masses_e, [expected[pair] for pair in pairs])


def test_the_largest_are_parts_of_the_mass_of_a_cluster(blocks):
    masses = TokenMasses.empty()
    for block in blocks:
        masses = masses.plus(block)
    tokens_kn, parts_kn = masses.largest(7, 8)
    assert (tokens_kn[6] == -1).all()
    assert not parts_kn[6].any()
    np.testing.assert_allclose(parts_kn[:6].sum(axis=1), 1)
    assert (np.diff(parts_kn, axis=1) <= 0).all()
    first = masses.clusters_e == 0
    assert tokens_kn[0, 0] == masses.tokens_e[first][masses.masses_e[first].argmax()]
    few_kn, _ = masses.largest(7, 2)
    assert np.array_equal(few_kn, tokens_kn[:, :2])


def test_no_positions_have_no_masses():
    tokens_kn, parts_kn = TokenMasses.empty().largest(3, 2)
    assert (tokens_kn == -1).all()
    assert not parts_kn.any()
