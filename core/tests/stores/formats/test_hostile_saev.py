"""Shards that are broken or malicious end in one clear StoreError, before memory is asked for."""

import base64
import json
import os
import pickle
import shutil

import pytest
from hostile import Bomb

from traits_core.errors import StoreError


@pytest.fixture
def saev(native, opening, converted, tmp_path):
    """A copy of shards, to be damaged: 7 examples of 3 tokens in 3 files, 2 layers of 4."""
    source = opening(native()[0])
    root = converted(source, tmp_path / "out", "saev", max_tokens_per_shard=20)
    (root / "labels.bin").write_bytes(bytes(7 * 3))
    assert opening(root).extras
    return root


def edit(path, **changes):
    facts = json.loads(path.read_text())
    facts.update(changes)
    path.write_text(json.dumps({key: value for key, value in facts.items() if value is not ...}))


@pytest.mark.parametrize(
    "changes",
    [
        {"n_examples": 8},
        {"n_examples": 10**30},
        {"n_examples": 0},
        {"n_examples": -7},
        {"n_examples": True},
        {"n_examples": "7"},
        {"n_examples": 7.0},
        {"d_model": 10**18},
        {"d_model": 5},
        {"d_model": 0},
        {"layers": []},
        {"layers": [0, 0]},
        {"layers": ["0", "1"]},
        {"layers": [0, 1, 2]},
        {"content_tokens_per_example": 4},
        {"content_tokens_per_example": 0},
        {"cls_token": True},
        {"cls_token": 1},
        {"max_tokens_per_shard": 5},
        {"max_tokens_per_shard": 10**30},
        {"max_tokens_per_shard": -1},
        {"dtype": "float16"},
        {"protocol": "1.0.0"},
        {"protocol": ...},
        {"family": None},
        {"unknown": 1},
    ],
    ids=str,
)
def test_metadata_that_does_not_fit_the_files_is_refused(saev, guarded, changes):
    edit(saev / "metadata.json", **changes)
    with pytest.raises(StoreError, match=r"metadata\.json|shards\.json"):
        guarded(saev)


def test_the_pickle_in_saevs_metadata_is_never_looked_into(saev, guarded):
    edit(saev / "metadata.json", data=base64.b64encode(pickle.dumps(Bomb())).decode())
    assert guarded(saev).store.header.rows == 21


@pytest.mark.parametrize(
    "entries",
    [
        [],
        {},
        "x",
        [("../../../native/store.json", 3), ("acts000001.bin", 3), ("acts000002.bin", 1)],
        [("acts000000.bin", 3), ("acts000001.bin", 3)],
        [("acts000000.bin", 3), ("acts000001.bin", 3), ("acts000002.bin", 2)],
        [("acts000001.bin", 3), ("acts000000.bin", 3), ("acts000002.bin", 1)],
        [
            ("acts000000.bin", 3),
            ("acts000001.bin", 3),
            ("acts000002.bin", 1),
            ("acts000003.bin", 1),
        ],
        [*[("acts000000.bin", 3)] * 2, ("acts000002.bin", 1)],
    ],
    ids=str,
)
def test_a_list_of_shards_that_is_not_the_formats_is_refused(saev, guarded, entries):
    if isinstance(entries, list):
        entries = [{"name": name, "n_examples": n} for name, n in entries]
    (saev / "shards.json").write_text(json.dumps(entries))
    with pytest.raises(StoreError, match=r"shards\.json"):
        guarded(saev)


@pytest.mark.parametrize("name", ["acts000000.bin", "acts000002.bin", "labels.bin"])
def test_a_file_of_another_length_is_refused(saev, guarded, name):
    whole = (saev / name).read_bytes()
    for data in (whole[:-1], whole + b"\0", b""):
        (saev / name).write_bytes(data)
        with pytest.raises(StoreError, match=f"{name} must be"):
            guarded(saev)


def test_a_shard_that_is_missing_or_a_link_is_refused(saev, guarded, tmp_path):
    path = saev / "acts000001.bin"
    path.rename(tmp_path / "moved")
    with pytest.raises(StoreError, match=r"acts000001\.bin is missing"):
        guarded(saev)
    path.symlink_to(tmp_path / "moved")
    with pytest.raises(StoreError, match="is a symbolic link"):
        guarded(saev)


def test_a_shard_that_shrinks_while_it_is_read_is_an_error(saev, guarded):
    opened = guarded(saev)
    os.truncate(saev / "acts000001.bin", 100)
    assert len(opened.store.read("high", 0, 9)) == 9
    with pytest.raises(StoreError, match="has become shorter"):
        opened.store.read("high", 9, 18)


@pytest.mark.parametrize("text", ["{}", "[", '{"version": 2}'])
def test_a_damaged_origin_is_refused(saev, guarded, text):
    (saev / "traits.json").write_text(text)
    with pytest.raises(StoreError, match=r"traits\.json"):
        guarded(saev)
    shutil.copy(saev / "metadata.json", saev / "traits.json")
    with pytest.raises(StoreError, match=r"traits\.json"):
        guarded(saev)


def test_metadata_without_end_is_not_read_to_its_end(saev, guarded, monkeypatch):
    monkeypatch.setattr("traits_core.stores.formats.files.MAX_JSON_BYTES", 100)
    with pytest.raises(StoreError, match="larger than 100 bytes"):
        guarded(saev)
