"""Files that saev wrote give the documented values, in every order of layers and every token mode."""

from itertools import permutations

import numpy as np
import pytest
from plain_saev import vectors

from traits_core.errors import ConfigError, StoreError

MODES = {"content": range(1, 17), "cls": [0], "all": range(17)}
STORES = {"e8e2578d": (10, (0, 1, 2)), "843f93d5": (8, (0, 1, 2)), "b21b35ad": (24, (0, 2))}


def test_the_first_bytes_are_the_documented_ones(saev_shards, opening, everything):
    cls = everything(opening(saev_shards / "b21b35ad", tokens="cls"), "0")
    expected = bytes.fromhex("486b69be 09eb563f ceee4f3e")
    assert cls[0, :3].numpy().tobytes() == expected
    labels = opening(saev_shards / "b21b35ad").extras["labels"]
    assert labels.shape == (24, 16)
    assert labels.read(0, 1)[0, :8].tolist() == [3, 2, 2, 1, 1, 0, 0, 0]
    whole = (saev_shards / "b21b35ad" / "labels.bin").read_bytes()
    assert labels.read(5, 24).tobytes() == whole[5 * 16 :]


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("tokens", MODES)
def test_every_layer_order_and_token_mode_reads_the_same_vectors(
    saev_shards, opening, everything, name, tokens
):
    root = saev_shards / name
    n_examples, layers = STORES[name]
    expected = {i: vectors(root, i, MODES[tokens], range(n_examples)) for i in layers}
    for size in range(1, len(layers) + 1):
        for order in permutations(layers, size):
            opened = opening(root, tuple(map(str, order)), tokens=tokens)
            assert [array.name for array in opened.store.header.arrays] == list(map(str, order))
            assert opened.store.header.positions == len(MODES[tokens])
            for layer in order:
                assert everything(opened, str(layer)).tolist() == expected[layer]


@pytest.mark.parametrize("tokens", MODES)
def test_any_range_of_rows_and_columns_can_be_read(saev_shards, opening, everything, tokens):
    opened = opening(saev_shards / "e8e2578d", tokens=tokens)
    whole = everything(opened, "1")
    rows = len(whole)
    for start in range(0, rows, 3):
        for stop in {start, start + 1, (start + rows) // 2, rows}:
            assert opened.store.read("1", start, stop).equal(whole[start:stop])
    assert opened.store.read("1", 1, rows, slice(5, 9)).equal(whole[1:, 5:9])


def test_the_empty_shard_that_saev_adds_is_no_shard(saev_shards, opening):
    header = opening(saev_shards / "843f93d5").store.header
    assert (header.rows, header.positions) == (128, 16)


def test_a_layer_that_is_not_there_is_named(saev_shards, opening):
    with pytest.raises(StoreError, match="no array named '1'; there are: 0, 2"):
        opening(saev_shards / "b21b35ad", ("1",))


def test_an_option_that_does_not_exist_is_refused(saev_shards, opening):
    with pytest.raises(ConfigError, match="token"):
        opening(saev_shards / "b21b35ad", tokens="special")


def test_labels_of_a_store_go_with_it(saev_shards, opening, converted, tmp_path):
    source = opening(saev_shards / "b21b35ad", tokens="all")
    root = converted(source, tmp_path / "ours", "zarr")
    there = opening(root).extras["labels"].read(0, 24)
    assert np.array_equal(there, source.extras["labels"].read(0, 24))
    back = converted(opening(root), tmp_path / "back", "saev")
    expected = (saev_shards / "b21b35ad" / "labels.bin").read_bytes()
    assert (back / "labels.bin").read_bytes() == expected
