"""Scores get into their store whole or not at all, whatever happens to the threads that put them there."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr

from traits_core.errors import DataError
from traits_core.registry.loader import load_registry
from traits_core.scoring import materialize as scoring
from traits_core.stores.backends import chunk_io
from traits_core.stores.dtypes import encode
from traits_core.stores.json_records import load_header
from traits_core.stores.manifest import load_manifest
from traits_core.stores.reader import is_complete, open_store
from traits_core.stores.shard_memory import DenseShard
from traits_plugin_random.scorer import DotScorer

FORMS = {
    "dense": (),
    "raw": ("--storage", "raw", "--scores-dtype", "bfloat16"),
    "top-k": ("--scores", "top-k", "--scores-k", "5"),
    "threshold": ("--scores", "threshold", "--scores-tau", "0.5"),
}
DYING = """
import itertools, os, signal, sys
import torch
from traits_core.cli.app import main
from traits_core.scoring import materialize
from traits_core.stores.place import Place

torch.set_num_threads(2)
materialize.TILE_ROWS = 250
put, puts, last = Place.put, itertools.count(1), int(sys.argv.pop(1))

def dying_put(self, *arguments):
    put(self, *arguments)
    if next(puts) == last:
        os.kill(os.getpid(), signal.SIGKILL)

Place.put = dying_put
main()
"""


@pytest.fixture
def threads():
    """`threads(n)`: as many score from now on."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def trained(traits, tmp_path):
    """`trained(home, *options)`: the words that materialise a run, whose tiles are of 10 examples."""

    def make(home, *options, examples=60, rows_per_shard=375):
        storage = options[:2] if "--storage" in options else ()
        cut = ["--storage.chunk-rows", "125", "--storage.rows-per-shard", rows_per_shard]
        data = ["--dataset", "digits", "--dataset.limit", examples, *storage, *cut, "--home", home]
        method = ["--method", "random", "--method.n-prototypes", "1100", "--pooling", "none"]
        assert traits("extract", *data).code == 0
        assert traits("train", *data, *method, *options, "--device", "cpu").code == 0
        (run,) = (home / "runs").iterdir()
        return ["materialize", run, "--home", home, "--device", "cpu"]

    return make


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """Tiles end where shards do not."""
    monkeypatch.setattr(scoring, "TILE_ROWS", 250)


def scores(words) -> Path:
    return words[1] / "scores" / "train"


def stored(root):
    """Every shard with its files, and every file."""
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    return load_manifest(root, load_header(root)), files


@pytest.mark.parametrize(
    ("form", "puts"),
    [
        ("dense", 40),
        pytest.param("top-k", 30, marks=pytest.mark.slow),
        pytest.param("raw", 5, marks=pytest.mark.slow),
        pytest.param("threshold", 50, marks=pytest.mark.slow),
    ],
)
def test_a_pass_that_is_killed_while_two_threads_score_ends_in_the_store_of_one(
    traits, trained, threads, tmp_path, form, puts
):
    threads(1)
    words = trained(tmp_path / "home", *FORMS[form])
    command = [sys.executable, "-c", DYING, str(puts), *map(str, words)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not is_complete(scores(words))
    assert traits(*words).code == 0
    whole = trained(tmp_path / "whole", *FORMS[form])
    assert traits(*whole).code == 0
    assert stored(scores(words)) == stored(scores(whole))


def test_shards_that_were_lost_between_others_are_scored_again_as_they_were(
    traits, trained, threads, tmp_path
):
    threads(2)
    words = trained(tmp_path / "home")
    assert traits(*words).code == 0
    before, files = stored(scores(words))
    for lost in ("0/2", "6/0"):  # rows 0 to 375 and 750 to 1125: tiles begin and end between them
        (scores(words) / "arrays" / "method" / "c" / lost).unlink()
    assert traits(*words).code == 2
    assert traits("verify", scores(words), "--repair").code == 1
    assert not is_complete(scores(words))
    assert traits(*words).code == 0
    again, there = stored(scores(words))
    assert again == before
    assert {name for name in there if not name.startswith("quarantine/")} == files


@pytest.mark.parametrize("form", ["dense", "raw"])
def test_a_store_past_the_page_cache_is_the_same_and_zarr_reads_it(
    traits, trained, tmp_path, monkeypatch, form
):
    cached = trained(tmp_path / "cached", *FORMS[form])
    assert traits(*cached).code == 0
    monkeypatch.setattr(chunk_io, "PAST_CACHE_FROM", 0)
    past = trained(tmp_path / "past", *FORMS[form])
    assert traits(*past).code == 0
    assert stored(scores(past)) == stored(scores(cached))
    store = open_store(scores(past), load_registry())
    for array in store.header.arrays:
        rows = store.read(array.name, 0, store.header.rows)
        found = zarr.open_array(scores(past) / "arrays" / array.name, mode="r")[:]
        assert np.array_equal(found, encode(rows, store.header.dtype))


def wrong_width(blocks):
    yield next(blocks)
    yield next(blocks)[:, :100]


def one_too_few(blocks):
    return itertools.islice(blocks, 2)


def one_that_is_empty(blocks):
    for block_bk in blocks:
        yield block_bk
    yield block_bk[:, :0]


def nan_in_the_third(blocks):
    for number, block_bk in enumerate(blocks):
        if number == 2:
            block_bk[7, 5] = torch.nan
        yield block_bk


def integers(blocks):
    return (block_bk.long() for block_bk in blocks)


def refused(blocks):
    yield next(blocks)
    raise DataError("these activations cannot be scored")


def broken(blocks):
    yield next(blocks)
    raise RuntimeError("shapes cannot be multiplied\n(250x16 and 17x1100)")


def no_tensors(blocks):
    return (block_bk.tolist() for block_bk in blocks)


FAULTS = [
    (wrong_width, "returned (250, 100) for (250, 16) activations and 1100 prototypes"),
    (one_too_few, "returned (250, 1024) for (250, 16) activations and 1100 prototypes"),
    (one_that_is_empty, "expected no more of them"),
    (nan_in_the_third, "NaN cannot be stored"),
    (integers, "expected floats"),
    (refused, "these activations cannot be scored"),
    (
        broken,
        "scorer 'method' raised RuntimeError: shapes cannot be multiplied (250x16 and 17x1100); ",
    ),
    (no_tensors, "scorer 'method' raised AttributeError: 'list' object has no attribute 'shape'; "),
]


@pytest.mark.parametrize(("fault", "said"), FAULTS)
def test_a_scorer_that_fails_midway_ends_in_a_line_and_no_half_store_is_taken_for_whole(
    traits, trained, threads, tmp_path, monkeypatch, fault, said
):
    threads(2)
    words, whole = trained(tmp_path / "home"), trained(tmp_path / "whole")
    calls, blocks = itertools.count(1), DotScorer.blocks
    with monkeypatch.context() as patched:
        patched.setattr(
            DotScorer,
            "blocks",
            lambda *arguments: (fault if next(calls) >= 4 else iter)(blocks(*arguments)),
        )
        ended = traits(*words)
    assert ended.code == 2
    line = ended.err.splitlines()[-1]
    assert line.startswith("traits: error: ")
    assert said in line
    assert not is_complete(scores(words))
    assert traits("verify", scores(words)).code == 1
    assert traits(*words).code == traits(*whole).code == 0
    assert stored(scores(words)) == stored(scores(whole))


def test_a_scorer_that_fails_when_it_is_measured_ends_in_a_line_and_its_scores_are_kept(
    traits, trained, tmp_path, monkeypatch
):
    def failing(self, acts_bd):
        raise ValueError("no such activations")

    words = trained(tmp_path / "home")
    with monkeypatch.context() as patched:
        patched.setattr(DotScorer, "__call__", failing)
        ended = traits(*words)
    assert ended.code == 2
    said = "traits: error: scorer 'method' raised ValueError: no such activations; "
    assert ended.err.splitlines()[-1].startswith(said)
    assert is_complete(scores(words))
    again = traits(*words)
    assert again.code == 0
    assert "materialize train: complete" in again.err


def test_memory_does_not_grow_with_the_store_while_the_disk_is_slower_than_the_threads(
    traits, trained, threads, tmp_path, monkeypatch
):
    threads(2)
    words = trained(tmp_path / "home", examples=120, rows_per_shard=250)
    shards_in_memory, new, fsync = Counter(), DenseShard.__init__, os.fsync

    def counted(shard, header):
        shards_in_memory[header.split] += 1
        new(shard, header)

    def slow(handle):
        time.sleep(0.001)
        fsync(handle)

    monkeypatch.setattr(DenseShard, "__init__", counted)
    monkeypatch.setattr(os, "fsync", slow)
    assert traits(*words).code == 0
    assert load_header(scores(words)).n_shards == 12
    # Two that are written, and five tiles: two for each thread, and one.
    assert max(shards_in_memory.values()) <= 7
