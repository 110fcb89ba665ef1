import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from traits_core import StoreError, save_tensors
from traits_plugin_softcluster.exemplars import Exemplars
from traits_plugin_softcluster.position_members import PositionMembers


def blocks(n_clusters, seed, n_chunks=3, ties=True):
    """Random sparse memberships of three chunks of five sequences."""
    rng = np.random.default_rng(seed)
    made = []
    for chunk in range(n_chunks):
        shape = (5, 6)
        clusters_bsj = np.argsort(rng.random((*shape, n_clusters)), axis=2)[:, :, :3]
        values_bsj = rng.random(clusters_bsj.shape)
        if ties:
            values_bsj = (4 * values_bsj).round() / 4
        made.append(
            PositionMembers(
                chunk,
                0,
                rng.integers(0, 99, shape),
                values_bsj.astype(np.float32),
                clusters_bsj,
            )
        )
    return made


def cut(block, step):
    """The same block in pieces of `step` sequences."""
    for start in range(0, len(block.tokens_bs), step):
        part = slice(start, start + step)
        yield PositionMembers(
            block.chunk,
            start,
            block.tokens_bs[part],
            block.values_bsj[part],
            block.clusters_bsj[part],
        )


def brute_force(made, cluster, n, window):
    """Python's own sort of all positions of one cluster."""
    found = []
    for block in made:
        dense_bs = (block.values_bsj * (block.clusters_bsj == cluster)).sum(axis=2)
        for (sequence, position), value in np.ndenumerate(dense_bs):
            around = range(position - window, position + window + 1)
            inside = [0 <= p < dense_bs.shape[1] for p in around]
            tokens = [
                block.tokens_bs[sequence, p] if ok else -1
                for p, ok in zip(around, inside, strict=True)
            ]
            context = [
                dense_bs[sequence, p] if ok else 0 for p, ok in zip(around, inside, strict=True)
            ]
            if value > 0:
                found.append((-value, (block.chunk, sequence, position), tokens, context))
    return sorted(found, key=lambda entry: entry[:2])[:n]


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    n_clusters=st.integers(3, 9),
    n=st.integers(0, 12),
    window=st.integers(0, 8),
    step=st.integers(1, 5),
    seed=st.integers(0, 999),
)
def test_exemplars_are_the_best_of_all_in_whatever_blocks_they_come(
    n_clusters, n, window, step, seed
):
    made = blocks(n_clusters, seed)
    exemplars = Exemplars.empty(n_clusters, n, window)
    for block in made:
        for piece in cut(block, step):
            exemplars.offer(piece)
    for cluster in range(n_clusters):
        expected = brute_force(made, cluster, n, window)
        taken = len(expected)
        kept = exemplars.values_kn[cluster]
        assert (-kept[:taken]).tolist() == [entry[0] for entry in expected]
        assert not kept[taken:].any()
        assert [tuple(p) for p in exemplars.places_kn3[cluster, :taken]] == [e[1] for e in expected]
        assert (exemplars.places_kn3[cluster, taken:] == -1).all()
        assert exemplars.tokens_knw[cluster, :taken].tolist() == [e[2] for e in expected]
        assert exemplars.context_knw[cluster, :taken].tolist() == [e[3] for e in expected]


def test_exemplars_come_back_as_they_were(tmp_path):
    exemplars = Exemplars.empty(4, 3, 1)
    exemplars.offer(blocks(4, seed=1)[0])
    exemplars.save(tmp_path / "e.safetensors")
    loaded = Exemplars.load(tmp_path / "e.safetensors")
    for name in ("values_kn", "places_kn3", "tokens_knw", "context_knw"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(exemplars, name))
    save_tensors(tmp_path / "x.safetensors", {})
    with pytest.raises(StoreError, match="not exemplars"):
        Exemplars.load(tmp_path / "x.safetensors")
