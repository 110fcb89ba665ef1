"""Checksums that are taken while files are written are those of the files."""

import attrs
import pytest

from traits_core.errors import StoreError
from traits_core.stores.backends.raw_config import RawConfig
from traits_core.stores.backends.raw_storage import RawStorage
from traits_core.stores.backends.zarr_config import ZarrConfig
from traits_core.stores.backends.zarr_storage import (
    ZarrLz4Storage,
    ZarrSparseStorage,
    ZarrStorage,
    ZarrZstdStorage,
)
from traits_core.stores.extras import WithExtras
from traits_core.stores.files import StoredFile, describe
from traits_core.stores.manifest import load_manifest
from traits_core.stores.writer import StoreWriter

STORAGES = {
    "zarr": ZarrStorage(ZarrConfig()),
    "zarr-lz4": ZarrLz4Storage(ZarrConfig()),
    "zarr-zstd": ZarrZstdStorage(ZarrConfig()),
    "zarr-sparse": ZarrSparseStorage(ZarrConfig()),
    "raw": RawStorage(RawConfig()),
}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", STORAGES)
def test_the_manifest_has_the_length_and_checksum_of_every_file(
    tmp_path, evolve, values, name, dtype
):
    header = evolve(storage=name, dtype=dtype, chunk_columns=2)
    with StoreWriter(tmp_path, header, STORAGES[name]) as writer:
        writer.append(values())
        writer.finish()
    files = list(load_manifest(tmp_path, header).files)
    assert len(files) > 9
    assert files == [describe(tmp_path, file.name) for file in files]


def test_extras_beside_the_rows_cost_no_second_reading_of_the_rows(
    tmp_path, evolve, values, monkeypatch
):
    read = []
    monkeypatch.setattr(
        "traits_core.stores.committer.describe",
        lambda root, name: read.append(name) or describe(root, name),
    )
    header = evolve(storage="zarr")
    with StoreWriter(tmp_path, header, WithExtras(STORAGES["zarr"], {})) as writer:
        writer.append(values())
        writer.finish()
    assert sorted(read) == sorted(
        file.name for file in load_manifest(tmp_path, header).creation.files
    )


def test_a_storage_that_checksums_cannot_name_a_file_outside(tmp_path, header, values):
    @attrs.frozen
    class Leaving:
        inner: object

        def create(self, root, header):
            self.inner.create(root, header)

        def memory(self, header):
            return self.inner.memory(header)

        def write_chunks(self, staging, header, shard, arrays):
            (staging.parent.parent / "outside").write_bytes(b"")
            return [StoredFile(name="../../outside", bytes=0, xxh3="0" * 32)]

    def attempt():
        with StoreWriter(tmp_path / "store", header, Leaving(STORAGES["zarr"])) as writer:
            writer.append(values())
            writer.finish()

    with pytest.raises(StoreError, match=r"'\.\./\.\./outside' is not allowed"):
        attempt()
