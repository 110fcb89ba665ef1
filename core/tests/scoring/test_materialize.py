"""The pass of scorers over activations: what it keeps, when it is resumed, and for several sinks."""

import attrs
import numpy as np
import pytest
import torch

from traits_core import DataError, StoreError
from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.scoring import keeping
from traits_core.scoring import materialize as module
from traits_core.scoring.keeping import KeepAbove, KeepAll, KeepTopK
from traits_core.scoring.materialize import materialize
from traits_core.scoring.matrix import open_scores
from traits_core.scoring.pooling import Pooling
from traits_core.stores.reader import open_store

CPU = torch.device("cpu")
NONE = Pooling("none")
SHAPE = (13, 3, 7)


def kept_of(scores_nk, keep):
    """What `keep` should keep of one scorer, by sorting every row in full."""
    scores_epk = np.sort(scores_nk.reshape(SHAPE), axis=1)
    pooled_nk = {
        "max": scores_epk[:, -1],
        "mean": scores_epk.mean(1),
        "top-mean": scores_epk[:, -keep.pooling.top :].mean(1),
        "none": scores_nk,
    }[keep.pooling.kind]
    if isinstance(keep, KeepAll):
        return pooled_nk
    above_nk = np.maximum(pooled_nk - np.float32(keep.tau), 0)
    if isinstance(keep, KeepTopK):
        least_n = np.sort(above_nk, axis=1)[:, -min(keep.k, 7)]
        above_nk = np.where(above_nk >= least_n[:, None], above_nk, 0)
    return above_nk


KEEPS = [
    *(KeepAll(Pooling(kind, top)) for kind in ("max", "mean", "none") for top in (8,)),
    *(KeepAll(Pooling("top-mean", top)) for top in (1, 2, 8)),
    *(KeepAbove(pooling, tau) for pooling in (NONE, Pooling("max")) for tau in (-1.0, 0.0, 0.5)),
    *(KeepTopK(NONE, k, tau) for k in (1, 3, 7, 99) for tau in (-0.5, 0.0)),
    KeepTopK(Pooling("mean"), 2, 0.0),
]


@pytest.mark.parametrize("keep", KEEPS, ids=str)
def test_a_store_holds_what_is_to_be_kept_however_it_is_read(keep, scored, expected):
    store = scored(keep)
    assert store.header.n_shards > 2
    for name, matrix in open_scores(store).items():
        expected_nk = kept_of(expected[name], keep)
        n, k = expected_nk.shape
        assert (matrix.n_examples, matrix.n_prototypes) == (n, k)
        assert matrix.format == ("dense" if isinstance(keep, KeepAll) else "sparse")
        np.testing.assert_allclose(matrix.rows(0, n), expected_nk, rtol=1e-5, atol=1e-6)
        scores_nk = matrix.rows(0, n)
        np.testing.assert_array_equal(matrix.rows(1, 6), scores_nk[1:6])
        np.testing.assert_array_equal(matrix.block(2, 5), scores_nk[:, 2:5])
        entries = matrix.entries(3, 9)
        rebuilt_bk = np.zeros((6, k), np.float32)
        rebuilt_bk[np.repeat(np.arange(6), np.diff(entries.offsets)), entries.prototypes] = (
            entries.values
        )
        np.testing.assert_array_equal(rebuilt_bk, scores_nk[3:9])
        assert entries.values.all()


@pytest.mark.parametrize("keep", [KEEPS[0], KEEPS[2], KeepTopK(NONE, 2)], ids=str)
@pytest.mark.parametrize("tile", [1, 7 * 3 * 5, 7 * 3 * 99], ids="tile of {}".format)
@pytest.mark.parametrize("calls", [1, 3, 9])
def test_a_pass_that_stopped_goes_on_with_the_same_tiles(
    keep, tile, calls, scored, scorers, activations, sink, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "TILE", tile)
    whole = scored(keep)
    method = scorers["method"].scorer
    tiles, method.batches[:] = list(method.batches), []

    class StoppedError(BaseException):
        pass

    class Stopping:
        n_prototypes = method.n_prototypes

        def __call__(self, acts_bd):
            if len(method.batches) == calls:
                raise StoppedError
            return method(acts_bd)

    stopping = scorers | {"method": attrs.evolve(scorers["method"], scorer=Stopping())}
    root = tmp_path / "stopped"
    with pytest.raises(StoppedError), sink(root, keep) as taking:  # noqa: PT012 - both may raise it
        materialize(stopping, activations, "l", [taking], CPU, Silent())
        raise StoppedError
    method.batches.clear()
    with sink(root, keep) as taking:
        materialize(scorers, activations, "l", [taking], CPU, Silent())
    assert open_store(root, load_registry()).digest == whole.digest
    rest = tiles[len(tiles) - len(method.batches) :]  # threads call in any order
    assert sorted(method.batches) == sorted(rest)


@pytest.mark.parametrize(
    ("keep", "held", "rows"),
    [
        (KeepAll(NONE), 2 * 7 * 3, 3),  # two scorers, seven prototypes, three positions
        (KeepAll(NONE), 2 * 7 * 6, 6),
        (KeepTopK(NONE, 1), 2 * 2 * 6, 6),  # values, and whose they are
        (KeepAll(Pooling("max")), 39, 39),  # of pooled rows it holds few
    ],
    ids=str,
)
def test_a_tile_has_no_more_rows_than_the_store_may_hold_of_all_scorers(
    keep, held, rows, scored, scorers, monkeypatch
):
    monkeypatch.setattr(module, "HELD", held)
    scored(keep)
    assert max(scorers["method"].scorer.batches) == rows


def test_several_sinks_take_one_pass(scored, sink, scorers, activations, tmp_path):
    keeps = {"pooled": KEEPS[0], "dense": KEEPS[2], "few": KeepTopK(NONE, 2)}
    alone = {name: scored(keep, tmp_path / f"alone-{name}") for name, keep in keeps.items()}
    method = scorers["method"].scorer
    method.batches.clear()
    with (
        sink(tmp_path / "pooled", keeps["pooled"]) as pooled,
        sink(tmp_path / "dense", keeps["dense"]) as dense,
        sink(tmp_path / "few", keeps["few"]) as few,
    ):
        materialize(scorers, activations, "l", [pooled, dense, few], CPU, Silent())
    assert sum(method.batches) == activations.header.rows
    for name, store in alone.items():
        assert open_store(tmp_path / name, load_registry()).digest == store.digest


def test_a_sink_that_lacks_nothing_costs_no_pass_and_others_get_theirs(
    scored, sink, scorers, activations, tmp_path
):
    scored(KEEPS[0], tmp_path / "pooled")
    method = scorers["method"].scorer
    method.batches.clear()
    with sink(tmp_path / "pooled", KEEPS[0]) as pooled:
        materialize(scorers, activations, "l", [pooled], CPU, Silent())
        assert not method.batches
        with sink(tmp_path / "few", KeepTopK(NONE, 2)) as few:
            materialize(scorers, activations, "l", [pooled, few], CPU, Silent())
    assert sum(method.batches) == activations.header.rows


@attrs.frozen(eq=False)
class Blockwise:
    """Scores `width` prototypes after the other; all at once is not what it is asked for."""

    directions_kd: torch.Tensor
    widths: list[int] = attrs.field(factory=list)

    @property
    def n_prototypes(self):
        return len(self.directions_kd)

    def __call__(self, acts_bd):
        raise AssertionError("all scores were asked for")

    def blocks(self, acts_bd, width):
        self.widths.append(width)
        for part_kd in self.directions_kd.split(width):
            yield acts_bd @ part_kd.T


@pytest.mark.parametrize("width", [3, 7])
@pytest.mark.parametrize("keep", [keep for keep in KEEPS if keep.block], ids=str)
def test_a_blockwise_scorer_is_asked_for_blocks(
    keep, width, scored, scorers, expected, monkeypatch
):
    for name in ("STORED_BLOCK", "POOLED_BLOCK"):
        monkeypatch.setattr(keeping, name, width)
    blockwise = Blockwise(scorers["method"].scorer.directions_kd)
    scorers["method"] = attrs.evolve(scorers["method"], scorer=blockwise)
    expected_nk = kept_of(expected["method"], keep)
    matrix = open_scores(scored(keep))["method"]
    np.testing.assert_allclose(matrix.rows(0, len(expected_nk)), expected_nk, rtol=1e-5, atol=1e-6)
    assert set(blockwise.widths) == {width}


@pytest.mark.parametrize("wrong", [slice(0, 2), slice(0, 6), slice(0, 0)], ids=str)
def test_blocks_of_another_shape_are_refused(wrong, scored, scorers, monkeypatch):
    class Wrong(Blockwise):
        def blocks(self, acts_bd, width):
            return (acts_bd @ self.directions_kd[wrong].T).split(width, dim=1)

    monkeypatch.setattr(keeping, "POOLED_BLOCK", 3)
    wrongly = Wrong(scorers["method"].scorer.directions_kd)
    scorers["method"] = attrs.evolve(scorers["method"], scorer=wrongly)
    with pytest.raises(DataError, match="scorer 'method' returned"):
        scored(KEEPS[0])


class Sparse:
    """Says of each row that prototypes 5 and 2 have scores, and is asked nothing else."""

    n_prototypes = 7

    def __call__(self, acts_bd):
        raise AssertionError("all scores were asked for")

    def sparse(self, acts_bd):
        values_bj = torch.stack([acts_bd[:, 0].abs() + 1, acts_bd[:, 1].abs() + 3], dim=1)
        return values_bj, torch.tensor([[5, 2]]).expand(len(acts_bd), 2)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_a_sparse_scorer_is_asked_for_what_it_keeps(k, scored, scorers, activations):
    scorers["method"] = attrs.evolve(scorers["method"], scorer=Sparse())
    matrix = open_scores(scored(KeepTopK(NONE, k)))["method"]
    acts_nd = activations.read("l", 0, activations.header.rows).abs().numpy()
    expected_nk = np.zeros((len(acts_nd), 7), np.float32)
    expected_nk[:, 5], expected_nk[:, 2] = acts_nd[:, 0] + 1, acts_nd[:, 1] + 3
    if k == 1:
        expected_nk[:, [2, 5]] *= expected_nk[:, [2, 5]] == expected_nk.max(1, keepdims=True)
    np.testing.assert_array_equal(matrix.rows(0, len(acts_nd)), expected_nk)


@pytest.mark.parametrize("keep", [KeepAbove(NONE, 1e4), KeepTopK(NONE, 3, 1e4)], ids=str)
def test_a_threshold_that_nothing_reaches_is_refused_with_what_scores_reach(keep, scored):
    with pytest.raises(DataError, match=r"'method'.*--scores-tau 10000: they reach \d"):
        scored(keep)


def test_scorers_of_other_numbers_of_prototypes_share_no_store_of_few_scores(scored, scorers):
    wide = attrs.evolve(scorers["method"].scorer, directions_kd=torch.ones(9, 4))
    scorers["gaussian"] = attrs.evolve(scorers["gaussian"], scorer=wide)
    assert set(open_scores(scored(KEEPS[0]))) == {"method", "gaussian"}
    with pytest.raises(DataError, match=r"\[7, 9\] prototypes"):
        scored(KeepTopK(NONE, 2))


def test_a_scorer_that_returns_another_shape_is_refused(scored, scorers, tmp_path):
    class Wrong(Sparse):
        def __call__(self, acts_bd):
            return acts_bd[:, :3]

        def sparse(self, acts_bd):
            return torch.ones(len(acts_bd), 2), torch.ones(len(acts_bd), 3, dtype=torch.int64)

    scorers["method"] = attrs.evolve(scorers["method"], scorer=Wrong())
    for keep in (KEEPS[0], KeepTopK(NONE, 2)):
        with pytest.raises(DataError, match="scorer 'method' returned"):
            scored(keep, tmp_path / type(keep).__name__)


def test_prototypes_that_are_none_are_not_believed(scored):
    store = scored(KeepTopK(NONE, 2))
    (header,) = [store.header]
    narrow = attrs.evolve(header, kept=attrs.evolve(header.kept, n_prototypes=2))
    with pytest.raises(StoreError, match="whole numbers below 2"):
        open_scores(attrs.evolve(store, header=narrow))["method"].rows(0, header.rows)
