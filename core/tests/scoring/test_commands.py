"""Commands that take any store, on stores of a few scores of each row."""

import json

import numpy as np
import pytest

from traits_core.registry.loader import load_registry
from traits_core.scoring.keeping import KeepAbove, KeepAll, KeepTopK
from traits_core.scoring.matrix import open_scores
from traits_core.scoring.pooling import Pooling
from traits_core.stores.reader import open_store

NONE = Pooling("none")
SAID = {
    KeepAll(NONE): "all scores of a row",
    KeepAbove(NONE, -0.5): "the scores above tau = -0.5 of 7 prototypes",
    KeepTopK(NONE, 3, 0.25): "the 3 largest scores above tau = 0.25 of 7 prototypes",
}
FEW = list(SAID)[1:]


@pytest.fixture
def traits(traits, monkeypatch, tmp_path):
    """Run `traits ARGUMENTS...`: its exit code, and what it printed."""
    monkeypatch.setenv("TRAITS_HOME", str(tmp_path / "home"))

    def run(*arguments):
        ended = traits(*arguments)
        return ended.code, ended.out + ended.err

    return run


@pytest.mark.parametrize("keep", SAID, ids=str)
def test_inspect_says_which_scores_are_kept(keep, scored, traits):
    root = scored(keep).root
    code, shown = traits("inspect", root)
    assert code == 0
    assert [line.split(maxsplit=1)[1] for line in shown.splitlines() if " kept " in line] == [
        SAID[keep]
    ]
    assert json.loads(traits("inspect", root, "--json")[1])["kept"] == SAID[keep]


@pytest.mark.parametrize("keep", FEW, ids=str)
@pytest.mark.parametrize("options", [(), ("--full",)], ids=str)
def test_verify_tells_a_whole_store_from_one_that_lost_bytes(keep, options, scored, traits):
    store = scored(keep)
    code, shown = traits("verify", store.root, *options)
    assert (code, ": clean" in shown) == (0, True)
    path = store.root / store.shards[1].files[0].name
    path.write_bytes(path.read_bytes()[:-1])
    code, shown = traits("verify", store.root, *options)
    assert code != 0
    assert ": clean" not in shown


@pytest.mark.parametrize("keep", FEW, ids=str)
def test_full_verification_finds_a_flipped_bit(keep, scored, traits):
    store = scored(keep)
    path = store.root / store.shards[1].files[0].name
    damaged = bytearray(path.read_bytes())
    damaged[0] ^= 1
    path.write_bytes(damaged)
    assert traits("verify", store.root, "--full")[0] != 0


@pytest.mark.parametrize("keep", SAID, ids=str)
def test_stats_say_that_they_are_of_activations(keep, scored, traits):
    code, shown = traits("stats", scored(keep).root)
    assert code == 2
    assert "holds scores: statistics are of activations" in shown


@pytest.mark.parametrize("keep", SAID, ids=str)
@pytest.mark.parametrize("storage", ["zarr", "zarr-sparse", "raw"])
def test_another_storage_has_the_same_scores(keep, storage, scored, traits, tmp_path):
    source = scored(keep)
    code, shown = traits("convert", source.root, tmp_path / "other", "--to", storage)
    assert code == 0, shown
    other = open_store(tmp_path / "other", load_registry())
    assert other.header.storage == storage
    assert (other.header.kept, other.header.pooling) == (source.header.kept, source.header.pooling)
    theirs = open_scores(other)
    for name, matrix in open_scores(source).items():
        expected_nk = matrix.rows(0, matrix.n_examples)
        np.testing.assert_array_equal(theirs[name].rows(0, matrix.n_examples), expected_nk)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_numbers_of_prototypes_are_never_rounded(dtype, scored, traits, tmp_path):
    root = scored(KeepTopK(NONE, 3)).root
    code, shown = traits("convert", root, tmp_path / "other", "--to", "raw", "--dtype", dtype)
    assert code == 2
    assert f"top-k scores cannot be {dtype}" in shown
    assert not (tmp_path / "other").exists()
