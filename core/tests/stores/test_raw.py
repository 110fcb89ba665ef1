"""The raw storage: plain values that numpy and zarr read, and no byte that is not there."""

import os

import attrs
import numpy as np
import pytest
import torch
import zarr

from traits_core.errors import StoreError
from traits_core.stores.backends.raw_config import RawConfig
from traits_core.stores.backends.raw_storage import RawStorage
from traits_core.stores.reader import open_store
from traits_core.stores.writer import StoreWriter


@pytest.fixture
def raw_store(tmp_path, evolve, values, registry):
    """A raw store of 20 rows in shards of 8, and what it holds."""
    header, data = evolve(storage="raw"), values()
    with StoreWriter(tmp_path, header, RawStorage(RawConfig())) as writer:
        writer.append(data)
        writer.finish()
    return open_store(tmp_path, registry), data


def test_a_file_is_the_values_of_a_shard_and_nothing_else(raw_store):
    store, data = raw_store
    for shard in range(2):
        values = np.fromfile(store.root / f"arrays/high/c/{shard}/0", "<f4")
        assert np.array_equal(values, data["high"][8 * shard : 8 * shard + 8].flatten())


def test_the_last_file_is_as_long_as_the_others(raw_store):
    store, data = raw_store
    values = np.fromfile(store.root / "arrays/high/c/2/0", "<f4")
    assert np.array_equal(values[:8], data["high"][16:].flatten())
    assert values[8:].tolist() == [0.0] * 8


def test_zarr_itself_opens_the_arrays_without_a_codec(raw_store):
    store, data = raw_store
    for name, expected in data.items():
        array = zarr.open_group(store.root, mode="r")[f"arrays/{name}"]
        assert np.array_equal(array[:], expected)
        assert [codec.to_dict()["name"] for codec in array.metadata.codecs] == ["bytes"]


@pytest.mark.parametrize("size", [0, 1, 23, 47])
def test_a_file_that_is_cut_short_after_opening_is_an_error_and_no_crash(raw_store, size):
    store, data = raw_store
    os.truncate(store.root / "arrays/high/c/1/0", size)
    whole = size // 8
    assert torch.equal(store.read("high", 0, 8 + whole), data["high"][: 8 + whole])
    with pytest.raises(StoreError, match=r"shard 1 is damaged.*c/1/0 ends \d+ bytes too early"):
        store.read("high", 8, 9 + whole)


def test_a_file_that_is_deleted_after_opening_is_an_error(raw_store):
    store, _ = raw_store
    (store.root / "arrays/low/c/2/1").unlink()
    with pytest.raises(StoreError, match=r"shard 2 is damaged.*arrays/low/c/2/1 is missing"):
        store.read("low", 16, 20)
    store.read("low", 16, 20, slice(0, 2))


def test_metadata_with_a_codec_is_refused(tmp_path, write, evolve, registry):
    write(tmp_path, evolve(chunk_rows=8))
    with pytest.raises(StoreError, match=r"codecs \('crc32c',\), raw values have none"):
        RawStorage(RawConfig()).open(tmp_path, evolve(storage="raw", chunk_rows=8))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(100_000, (16384, 4096)), (20_000, (16384, 4096)), (5994, (8192, 4096)), (10, (10, 10))],
)
def test_the_plan_pads_a_small_store_by_less_than_a_chunk(header, rows, expected):
    arrays = (attrs.evolve(header.arrays[0], columns=64),)
    layout = RawStorage(RawConfig()).plan("activations", rows, 1, arrays)
    assert (layout.rows_per_shard, layout.chunk_rows) == expected
