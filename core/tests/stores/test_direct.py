"""Writing past the page cache changes no byte, and is given up where a file system cannot."""

import errno
import io
import os
from fcntl import F_GETFL, fcntl

import attrs
import pytest

from traits_core.stores.backends import chunk_io
from traits_core.stores.backends.raw_config import RawConfig
from traits_core.stores.backends.raw_storage import RawStorage
from traits_core.stores.backends.zarr_config import ZarrConfig
from traits_core.stores.backends.zarr_storage import ZarrStorage, ZarrZstdStorage
from traits_core.stores.files import describe
from traits_core.stores.manifest import load_manifest

STORAGES = {
    "zarr": ZarrStorage(ZarrConfig()),
    "zarr-zstd": ZarrZstdStorage(ZarrConfig()),
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
        cannot = False

        def write(self, data):
            direct = bool(fcntl(self, F_GETFL) & DIRECT)
            if direct and self.cannot:
                raise OSError(errno.EINVAL, "Invalid argument")
            written = super().write(data)
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
    past_cache["file"].cannot = True
    data = write(tmp_path, scores(512), storage=STORAGES["zarr"])
    assert_holds(tmp_path, data)
    assert not past_cache[True]
