"""Writing past the page cache changes no byte, and is given up where a file system cannot."""

import errno
import io
import os
from fcntl import F_GETFL, fcntl

import attrs
import pytest
import torch

from traits_core.errors import StoreError
from traits_core.registry.loader import load_registry
from traits_core.stores.backends import chunk_io
from traits_core.stores.backends.raw_config import RawConfig
from traits_core.stores.backends.raw_storage import RawStorage
from traits_core.stores.backends.zarr_config import ZarrConfig
from traits_core.stores.backends.zarr_storage import ZarrSparseStorage, ZarrStorage, ZarrZstdStorage
from traits_core.stores.files import describe
from traits_core.stores.manifest import load_manifest
from traits_core.stores.reader import open_store

STORAGES = {
    "zarr": ZarrStorage(ZarrConfig()),
    "zarr-zstd": ZarrZstdStorage(ZarrConfig()),
    "zarr-sparse": ZarrSparseStorage(ZarrConfig()),
    "raw": RawStorage(RawConfig()),
}
DIRECT = getattr(os, "O_DIRECT", 0)
REAL_OPEN = io.open


@pytest.fixture
def scores(header):
    """`scores(columns)`: the header of a store of scores whose chunks of 8 rows may fill pages."""

    def make(columns, **changes):
        arrays = (attrs.evolve(header.arrays[0], columns=columns, scorer="0"),)
        shape = {"rows": 40, "rows_per_shard": 16, "chunk_rows": 8, "chunk_columns": 512}
        return attrs.evolve(header, kind="scores", arrays=arrays, **(shape | changes))

    return make


@pytest.fixture
def past_cache(monkeypatch):
    """The writes of this test, as numbers of bytes: those past the cache, and the others."""
    writes = {True: [], False: []}

    class Watched(io.FileIO):
        cannot = 0
        at_most = None

        def write(self, data):
            direct = bool(fcntl(self, F_GETFL) & DIRECT)
            if direct and self.cannot:
                raise OSError(self.cannot, os.strerror(self.cannot))
            written = super().write(data[: self.at_most])
            writes[direct].append(written)
            return written

    def opened(file, mode="r", buffering=-1, *rest):
        if mode == "wb" and buffering == 0:
            return Watched(file, "w")
        return REAL_OPEN(file, mode, buffering, *rest)

    monkeypatch.setattr(io, "open", opened)
    monkeypatch.setattr(chunk_io, "PAST_CACHE_FROM", 0)
    writes["file"] = Watched
    return writes


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("columns", [512, 700, 1024, 3])
@pytest.mark.parametrize("name", STORAGES)
def test_files_are_those_of_the_page_cache(tmp_path, scores, write, request, name, columns, dtype):
    header = scores(columns, storage=name, dtype=dtype)
    write(tmp_path / "cached", header, storage=STORAGES[name])
    request.getfixturevalue("past_cache")
    write(tmp_path / "direct", header, storage=STORAGES[name])
    files = list(load_manifest(tmp_path / "direct", header).files)
    assert files == list(load_manifest(tmp_path / "cached", header).files)
    assert files == [describe(tmp_path / "direct", file.name) for file in files]


def test_whole_pages_of_a_large_store_of_scores_get_past_the_cache(
    tmp_path, scores, write, past_cache
):
    write(tmp_path, scores(512), storage=STORAGES["zarr"])
    if not past_cache[True]:
        pytest.skip("this file system has no O_DIRECT")
    assert past_cache[True] == [8 * 512 * 4] * 5
    assert past_cache[False] == [4] * 5  # the checksums


@pytest.mark.parametrize("kind", ["small", "activations"])
def test_what_is_read_again_soon_stays_in_the_cache(
    tmp_path, scores, write, past_cache, kind, monkeypatch
):
    header = scores(512)
    if kind == "small":
        monkeypatch.setattr(chunk_io, "PAST_CACHE_FROM", 40 * 512 * 4 + 1)
    else:
        header = attrs.evolve(header, kind="activations")
    write(tmp_path, header, storage=STORAGES["zarr"])
    assert not past_cache[True]
    assert past_cache[False]


def test_a_file_system_that_refuses_when_it_is_written_to_gets_cached_writes(
    tmp_path, scores, write, assert_holds, past_cache
):
    past_cache["file"].cannot = errno.EINVAL
    data = write(tmp_path, scores(512), storage=STORAGES["zarr"])
    assert_holds(tmp_path, data)
    assert not past_cache[True]


def test_a_disk_that_fails_past_the_cache_is_told(tmp_path, scores, write, past_cache):
    past_cache["file"].cannot = errno.EIO
    if not DIRECT:
        pytest.skip("this system has no O_DIRECT")
    with pytest.raises(StoreError, match=r"shard 0 .*Input/output error.*0 of 3 shards"):
        write(tmp_path, scores(512), storage=STORAGES["zarr"])


@pytest.mark.parametrize("at_most", [1, 4096, 5000])
@pytest.mark.parametrize("name", STORAGES)
def test_writes_that_are_cut_short_are_gone_on_with(
    tmp_path, scores, write, past_cache, name, at_most
):
    past_cache["file"].at_most = at_most
    columns = 512 if at_most > 1 else 8
    data = write(tmp_path, scores(columns, storage=name, rows=16), storage=STORAGES[name])
    store = open_store(tmp_path, load_registry())
    assert torch.equal(store.read("low", 0, 16), data["low"])
    files = list(load_manifest(tmp_path, store.header).files)
    assert files == [describe(tmp_path, file.name) for file in files]
