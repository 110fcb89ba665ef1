"""A store of scores in another form is the one that scoring would have written, or is refused."""

import json

import attrs
import numpy as np
import pytest

from traits_core import ConfigError, DataError
from traits_core.config.run_config import Choice
from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.scoring.keeping import KeepAbove, KeepAll, KeepTopK
from traits_core.scoring.matrix import open_scores
from traits_core.scoring.pooling import Pooling
from traits_core.scoring.recode import ScoreForm, recode
from traits_core.stores.foreign import OpenStore
from traits_core.stores.reader import Store, is_complete, open_store

NONE, MAX = Pooling("none"), Pooling("max")
ALL, ABOVE, FEW = KeepAll(NONE), KeepAbove(NONE, -0.5), KeepTopK(NONE, 3, -0.5)
PARTS = ("values", "prototypes")

DENSE = ScoreForm(form="dense")
DIRECT = [
    (ALL, ScoreForm(form="threshold", tau=-0.5), ABOVE),
    (ALL, ScoreForm(form="threshold"), KeepAbove(NONE)),
    (ALL, ScoreForm(form="top-k", k=3, tau=-0.5), FEW),
    (ALL, ScoreForm(form="top-k"), KeepTopK(NONE, 32)),
    (ALL, DENSE, ALL),
    (KeepAll(MAX), ScoreForm(form="top-k", k=2), KeepTopK(MAX, 2)),
    (ABOVE, ScoreForm(form="threshold"), ABOVE),
    (ABOVE, ScoreForm(form="threshold", tau=0.25), KeepAbove(NONE, 0.25)),
    (ABOVE, ScoreForm(form="top-k", k=3), FEW),
    (ABOVE, ScoreForm(form="top-k", k=2, tau=0.25), KeepTopK(NONE, 2, 0.25)),
    (ABOVE, DENSE, ABOVE),
    (FEW, ScoreForm(form="top-k"), FEW),
    (FEW, ScoreForm(form="top-k", k=1), KeepTopK(NONE, 1, -0.5)),
    (FEW, ScoreForm(form="top-k", tau=0.25), KeepTopK(NONE, 3, 0.25)),
    (KeepTopK(NONE, 99), ScoreForm(form="top-k", k=50), KeepTopK(NONE, 50)),
]


@pytest.fixture
def recoded(tmp_path):
    """`recoded(store, form)`: the finished store, in shards as small as those of `scored`."""

    zarr = load_registry().get("storage", "zarr")
    target = Choice(zarr, zarr.config(chunk_rows=2, rows_per_shard=4))

    def make(store, form, root=tmp_path / "recoded", dtype=None):
        recode(OpenStore(store=store), root, target, form, dtype, Silent())
        return open_store(root, load_registry())

    return make


def same_scores(one, other, **tolerance):
    """However they are read."""
    theirs = open_scores(other)
    assert list(open_scores(one)) == list(theirs) == ["method", "gaussian"]
    for name, ours in open_scores(one).items():
        n, k = ours.n_examples, ours.n_prototypes
        assert (theirs[name].n_examples, theirs[name].n_prototypes) == (n, k)
        np.testing.assert_allclose(ours.rows(1, n), theirs[name].rows(1, n), **tolerance)
        np.testing.assert_allclose(ours.block(2, 5), theirs[name].block(2, 5), **tolerance)
        assert len(ours.entries(3, 9).values) == len(theirs[name].entries(3, 9).values)


@pytest.mark.parametrize(("keep", "form", "expected"), DIRECT, ids=str)
def test_it_is_the_store_that_scoring_would_have_written(
    keep, form, expected, scored, recoded, tmp_path
):
    found, direct = recoded(scored(keep), form), scored(expected, tmp_path / "direct")
    assert found.header == direct.header
    if keep is ALL or not form.tau:  # a tau above that of the source rounds once more
        assert found.digest == direct.digest
    same_scores(found, direct, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tau", [-0.5, 0.25])
def test_full_rows_of_the_largest_scores_read_the_same_and_say_that_others_are_lost(
    tau, scored, recoded, tmp_path
):
    few = scored(KeepTopK(NONE, 3, tau))
    full = recoded(few, DENSE)
    same_scores(full, few, rtol=0, atol=0)
    assert full.header.kept == attrs.evolve(few.header.kept, form="dense")
    assert [a.columns for a in full.header.arrays] == [7, 7]
    assert [(a.name, a.scorer) for a in full.header.arrays] == [("method",) * 2, ("gaussian",) * 2]
    same_scores(recoded(full, DENSE, tmp_path / "again"), few, rtol=0, atol=0)


LOST = [
    (ABOVE, ScoreForm(form="threshold", tau=-0.6), "choose --scores-tau -0.5 or more"),
    (ABOVE, ScoreForm(form="top-k", tau=-1), "has no scores below tau = -0.5"),
    (FEW, ScoreForm(form="top-k", k=4), "the 3 largest .* choose --scores-k 3 or fewer"),
    (FEW, ScoreForm(form="top-k", k=2, tau=-1), "choose --scores-tau -0.5 or more"),
    (FEW, ScoreForm(form="threshold"), "the 3 largest .* choose --scores top-k or dense"),
    (ALL, ScoreForm(form="threshold", tau=99), "above --scores-tau 99: they reach [1-9]"),
    (FEW, ScoreForm(form="top-k", tau=99), "above --scores-tau 99: they reach [1-9]"),
]


@pytest.mark.parametrize(("keep", "form", "told"), LOST, ids=str)
def test_scores_that_are_not_there_are_not_made_up(keep, form, told, scored, recoded, tmp_path):
    with pytest.raises(DataError, match=told):
        recoded(scored(keep), form)
    assert not (tmp_path / "recoded").exists()


@pytest.mark.parametrize("form", [ScoreForm(form="top-k", k=1), ScoreForm(form="threshold")])
def test_full_rows_that_lack_scores_are_not_taken_for_all(form, scored, recoded, tmp_path):
    full = recoded(scored(FEW), DENSE)
    with pytest.raises(DataError, match="convert the store that it was made of"):
        recoded(full, form, tmp_path / "again")


def test_how_far_scores_reach_is_told_in_their_own_units(scored, recoded, expected):
    with pytest.raises(DataError, match=f"'method' .* reach {expected['method'].max():g}"):
        recoded(scored(FEW), ScoreForm(form="top-k", tau=99))


def test_scorers_of_different_numbers_of_prototypes_keep_all_of_a_row(scored, scorers, recoded):
    wide = scorers["gaussian"].scorer
    scorers["gaussian"] = attrs.evolve(
        scorers["gaussian"], scorer=attrs.evolve(wide, directions_kd=wide.directions_kd[:5])
    )
    store = scored(ALL)
    with pytest.raises(DataError, match=r"scores of \[5, 7\] prototypes.*with --layers"):
        recoded(store, ScoreForm(form="threshold"))
    assert recoded(store, DENSE).digest == store.digest


@pytest.mark.parametrize(
    "options",
    [
        {"form": "dense", "k": 3},
        {"form": "threshold", "k": 3},
        {"form": "dense", "tau": 0.0},
        {"form": "top-k", "k": 0},
        {"form": "threshold", "tau": float("nan")},
        {"form": "top-k", "tau": float("inf")},
    ],
    ids=str,
)
def test_options_that_a_form_does_not_have_are_refused(options):
    with pytest.raises(ConfigError, match=r"--scores-(k|tau) .*only for --scores top-k"):
        ScoreForm(**options)


def test_activations_are_refused(activations, recoded, tmp_path):
    with pytest.raises(DataError, match="holds activations: --scores is for stores of scores"):
        recoded(activations, DENSE)
    assert not (tmp_path / "recoded").exists()


def test_rounded_scores_become_largest_ones_in_float32(scored, recoded, tmp_path):
    half = recoded(scored(ALL), DENSE, tmp_path / "half", "float16")
    few = recoded(half, ScoreForm(form="top-k", k=3))
    assert few.header.dtype == "float32"
    kept_nk = np.sort(open_scores(half)["method"].rows(0, 39), axis=1)[:, -3:].clip(0)
    found_nk = np.sort(open_scores(few)["method"].rows(0, 39), axis=1)[:, -3:]
    np.testing.assert_array_equal(found_nk, kept_nk)


class StoppedError(Exception):
    pass


@pytest.mark.parametrize(
    ("keep", "form"), [(ALL, ScoreForm(form="top-k", k=3)), (FEW, DENSE)], ids=str
)
def test_one_that_stopped_goes_on_and_reads_a_chunk_at_a_time(
    keep, form, scored, recoded, tmp_path, monkeypatch
):
    store, read = scored(keep), Store.read
    rows = []

    def stopping(self, array, start, stop, columns=slice(None)):
        if start >= 20:
            raise StoppedError
        return read(self, array, start, stop, columns)

    def watched(self, array, start, stop, columns=slice(None)):
        rows.append(range(start, stop))
        return read(self, array, start, stop, columns)

    monkeypatch.setattr(Store, "read", stopping)
    with pytest.raises(StoppedError):
        recoded(store, form)
    assert not is_complete(tmp_path / "recoded")
    monkeypatch.setattr(Store, "read", watched)
    found = recoded(store, form)
    assert rows[0].start == 20
    assert max(map(len, rows)) == 2
    assert found.digest == recoded(store, form, tmp_path / "at-once").digest


def test_the_command_says_what_is_kept_and_how_large_it_is(scored, traits, tmp_path):
    source, out = scored(ALL), tmp_path / "out"
    arguments = ("convert", source.root, out, "--scores", "top-k", "--scores-k", "2")
    code, shown, _ = traits(*arguments)
    assert code == 0
    kept = "the 2 largest scores above tau = 0 of 7 prototypes"
    before, after = (
        sum(path.stat().st_size for path in root.glob("arrays/*/c/*/*"))
        for root in (source.root, out)
    )
    arrays = ", ".join(f"{s}.{part} (2)" for s in ("method", "gaussian") for part in PARTS)
    assert shown.splitlines() == [
        f"{out}: 39 rows of {arrays}, float32 zarr",
        f"kept: {kept}",
        f"{after:,} bytes, {after / before:.1%} of the {before:,} that {source.root} has",
    ]
    told = json.loads(traits(*arguments, "--json")[1])
    assert (told["kept"], told["bytes"], told["source_bytes"]) == (kept, after, before)
    assert told["digest"] == open_store(out, load_registry()).digest
    assert json.loads(traits("inspect", out, "--json")[1])["kept"] == kept


def test_zeros_are_left_out_unless_another_storage_is_named(scored, traits, tmp_path):
    root = scored(ALL).root
    for name, more in (("zarr-sparse", ()), ("raw", ("--to", "raw"))):
        code, _, said = traits("convert", root, tmp_path / name, "--scores", "threshold", *more)
        assert code == 0, said
        assert open_store(tmp_path / name, load_registry()).header.storage == name


def test_inspect_says_that_full_rows_lack_scores(scored, traits, tmp_path):
    assert traits("convert", scored(FEW).root, tmp_path / "out", "--scores", "dense")[0] == 0
    facts = json.loads(traits("inspect", tmp_path / "out", "--json")[1])
    assert facts["kept"] == "the largest scores above tau = -0.5 of 7 prototypes, in full rows"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--to NAME is required, or --scores FORM for a store of scores"),
        (["--scores", "csr"], "--scores csr: choose from top-k, threshold, dense"),
        (["--scores-k", "3"], "need --scores top-k or threshold"),
        (["--to", "zarr", "--scores-tau", "3"], "need --scores top-k or threshold"),
        (["--scores", "top-k", "--to", "npz"], "--to npz holds activations: choose a storage"),
        (["--scores", "top-k", "--dtype", "float16"], "top-k scores cannot be float16"),
        (["--scores", "top-k", "--scores-k", "0"], "--scores-k 0: at least 1"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_and_writes_nothing(arguments, told, scored, traits, tmp_path):
    code, out, said = traits("convert", scored(ALL).root, tmp_path / "out", *arguments)
    assert (code, out) == (2, "")
    assert told in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()
