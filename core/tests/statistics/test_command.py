"""`traits stats` on a store of real activations."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from traits_core.registry.loader import load_registry
from traits_core.stores.reader import open_store

TRAITS = str(Path(sys.executable).with_name("traits"))


def traits(*words, home, code=0):
    ended = subprocess.run(
        [TRAITS, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TRAITS_HOME": str(home)},
    )
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A home directory, and the store of the training activations of digits."""
    home = tmp_path_factory.mktemp("home")
    stores = json.loads(traits("extract", "--dataset", "digits", "--json", home=home).stdout)
    return home, Path(stores["train"])


def test_json_describes_the_rows_of_the_store(digits):
    home, root = digits
    found = json.loads(traits("stats", root, "--covariance", "--json", home=home).stdout)
    store = open_store(root, load_registry())
    (array,) = store.header.arrays
    x = store.read(array.name, 0, store.header.rows).double().numpy()
    described = found[array.name]
    assert (described["store"], described["rows"]) == (store.digest, len(x))
    np.testing.assert_allclose(described["mean"], x.mean(0), rtol=1e-10)
    np.testing.assert_allclose(described["std"], x.std(0), rtol=1e-10)
    assert described["duplicate_rows"] == len(x) - len(np.unique(x, axis=0))
    median = dict(map(tuple, described["norm_quantiles"]))[0.5]
    assert median == pytest.approx(np.median(np.linalg.norm(x, axis=1)), rel=1e-3)


def test_the_screen_is_short_and_the_store_is_left_alone(digits):
    home, root = digits
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*")}
    shown = traits("stats", root, home=home).stdout
    assert "901 examples x 25 positions, 16 dimensions" in shown
    assert len(shown.splitlines()) <= 10
    assert max(map(len, shown.splitlines()[:-2])) <= 100
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*")} == before
    assert len(list((home / "statistics").rglob("*.safetensors"))) == 1


def test_progress_is_told_once_and_the_second_time_nothing_is_read(digits, tmp_path):
    _, root = digits
    first = traits("stats", root, home=tmp_path)
    second = traits("stats", root, home=tmp_path)
    assert "statistics of digits/train" in first.stderr
    assert second.stderr == ""
    assert second.stdout == first.stdout


def test_mistakes_are_one_line(digits, tmp_path):
    home, root = digits
    wrong = traits("stats", root, "--array", "nope", home=home, code=2)
    assert "no array named 'nope'; there are: patches" in wrong.stderr
    assert "no store is here" in traits("stats", tmp_path, home=home, code=2).stderr
    absent = traits("stats", tmp_path / "absent", home=home, code=2)
    assert absent.stderr == f"traits: error: {tmp_path / 'absent'}: no such directory\n"
    for place in (home, root.parent):
        below = traits("stats", place, home=home, code=2).stderr
        assert f"{place}: no store is here; stores below it: " in below
        assert str(root) in below
