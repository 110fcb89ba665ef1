"""What is written for saev is what the description of its format says, to the byte."""

import hashlib
import json

import pytest
import torch
from plain_saev import vectors

from traits_core.errors import ConfigError, StoreError
from traits_core.stores.formats.saev_metadata import read_metadata

FIELDS = [
    "family",
    "ckpt",
    "layers",
    "content_tokens_per_example",
    "cls_token",
    "d_model",
    "n_examples",
    "max_tokens_per_shard",
    "data",
    "dataset",
    "pixel_agg",
    "dtype",
    "protocol",
]


@pytest.mark.parametrize("position", ["patch", "cls+patch"])
@pytest.mark.parametrize("per_shard", [6, 13, 20, 42, 1000])
def test_an_independent_reader_finds_every_vector(
    native, opening, converted, tmp_path, position, per_shard
):
    root, data = native(position=position)
    to = converted(opening(root), tmp_path / "out", "saev", max_tokens_per_shard=per_shard)
    facts = json.loads((to / "metadata.json").read_text())
    assert facts["cls_token"] is (position == "cls+patch")
    assert facts["layers"] == [0, 1]
    for layer, name in enumerate(("low", "high")):
        assert vectors(to, layer, range(3), range(7)) == data[name].tolist()


def test_the_metadata_is_the_thirteen_fields_and_no_pickle(native, opening, converted, tmp_path):
    to = converted(opening(native()[0]), tmp_path / "out", "saev", max_tokens_per_shard=20)
    facts = json.loads((to / "metadata.json").read_text())
    assert list(facts) == FIELDS
    assert (facts["data"], facts["dtype"], facts["protocol"]) == ("", "float32", "2.1")
    assert (facts["family"], facts["pixel_agg"], facts["dataset"]) == (
        "clip",
        "majority",
        "d/train",
    )
    shards = json.loads((to / "shards.json").read_text())
    assert shards == [
        {"name": "acts000000.bin", "n_examples": 3},
        {"name": "acts000001.bin", "n_examples": 3},
        {"name": "acts000002.bin", "n_examples": 1},
    ]
    size = 3 * 2 * 3 * 4 * 4
    assert [(to / shard["name"]).stat().st_size for shard in shards] == [size] * 3
    assert not any((to / "acts000002.bin").read_bytes()[size // 3 :])


def test_the_directory_has_the_name_that_saev_gives(native, opening, converted, tmp_path):
    to = converted(opening(native()[0]), tmp_path / "out", "saev")
    facts = json.loads((to / "metadata.json").read_text())
    digest = hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()
    assert to == tmp_path / "out" / "saev" / "shards" / digest[:8]


def test_the_digest_is_that_of_saevs_own_directories(saev_shards):
    for name in ("e8e2578d", "843f93d5"):
        assert read_metadata(saev_shards / name).digest == name


@pytest.mark.parametrize("name", ["e8e2578d", "843f93d5"])
def test_saevs_own_files_are_written_again_to_the_byte(
    saev_shards, opening, converted, tmp_path, name
):
    source = opening(saev_shards / name, tokens="all")
    to = converted(source, tmp_path / "saev" / "shards", "saev", max_tokens_per_shard=204)
    assert to.parent == tmp_path / "saev" / "shards"
    expected = json.loads((saev_shards / name / "metadata.json").read_text())
    written = json.loads((to / "metadata.json").read_text())
    same = ("layers", "content_tokens_per_example", "cls_token", "d_model", "n_examples")
    assert {key: written[key] for key in same} == {key: expected[key] for key in same}
    for path in sorted(to.glob("acts*.bin")):
        assert path.read_bytes() == (saev_shards / name / path.name).read_bytes()
    assert len(list(to.glob("acts*.bin"))) == -(-written["n_examples"] // 4)


def test_layers_keep_their_numbers_when_they_are_read_again(
    saev_shards, opening, converted, everything, tmp_path
):
    source = opening(saev_shards / "e8e2578d", ("2", "0"), tokens="all")
    to = converted(source, tmp_path / "out", "saev")
    again = opening(to, tokens="all")
    assert json.loads((to / "metadata.json").read_text())["layers"] == [2, 0]
    assert again.store.header.arrays == source.store.header.arrays
    for name in ("0", "2"):
        assert torch.equal(everything(again, name), everything(source, name))


def test_only_what_the_format_can_hold_is_written(native, opening, converted, tmp_path, chunks):
    import numpy as np

    source = opening(native()[0])
    with pytest.raises(ConfigError, match="float32 only"):
        converted(source, tmp_path / "out", "saev", dtype="float16")
    acts = np.ones((2, 3, 4), np.float32)
    ragged = chunks({"activations": acts, "attention_mask": [[1, 1, 1], [1, 0, 0]]})
    with pytest.raises(StoreError, match="as many tokens in every example"):
        converted(opening(ragged), tmp_path / "out", "saev")
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_not_written_over(native, opening, converted, tmp_path):
    source = opening(native()[0])
    to = converted(source, tmp_path / "out", "saev")
    with pytest.raises(StoreError, match="is there already"):
        converted(source, tmp_path / "out", "saev")
    assert sorted(path.name for path in to.parent.iterdir()) == [to.name]


def test_exports_stand_beside_each_other_and_beside_nothing_else(
    native, opening, converted, tmp_path
):
    source = opening(native()[0])
    first = converted(source, tmp_path / "out", "saev", max_tokens_per_shard=20)
    before = {path: path.read_bytes() for path in first.iterdir()}
    second = converted(source, tmp_path / "out", "saev", max_tokens_per_shard=40)
    assert {first, second} == set((tmp_path / "out/saev/shards").iterdir())
    assert {path: path.read_bytes() for path in first.iterdir()} == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"holds notes\.txt: choose a new or an empty directory"):
        converted(source, tmp_path / "other", "saev")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["notes.txt"]
