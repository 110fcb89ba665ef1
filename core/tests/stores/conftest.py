"""Small stores: two arrays, three shards of two chunks, the last shard short."""

import os

import attrs
import pytest
import torch

from traits_core.records import FeatureSpec
from traits_core.registry.loader import load_registry
from traits_core.stores.backends.zarr_config import ZarrConfig
from traits_core.stores.backends.zarr_storage import ZarrStorage
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.reader import open_store
from traits_core.stores.writer import StoreWriter

ROWS, SHARD_ROWS, CHUNK_ROWS = 20, 8, 4


@pytest.fixture(autouse=True, scope="module")
def _flushing_is_free():
    """Only a power cut could tell whether data was flushed, and these tests make none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


def _array(name, columns):
    feature = FeatureSpec(
        backbone="b",
        checkpoint="c",
        layer=name,
        d_model=columns,
        position="cell",
        grid=(1, 2),
        preprocessing="none",
    )
    return ArraySpec(name=name, columns=columns, feature=feature)


@pytest.fixture(scope="session")
def header():
    return StoreHeader(
        kind="activations",
        storage="zarr",
        dtype="float32",
        rows=ROWS,
        positions=2,
        rows_per_shard=SHARD_ROWS,
        chunk_rows=CHUNK_ROWS,
        chunk_columns=2,
        arrays=(_array("low", 3), _array("high", 2)),
        dataset="d",
        dataset_digest="dd",
        split="train",
    )


@pytest.fixture(scope="session")
def registry():
    return load_registry()


@pytest.fixture(scope="session")
def storage():
    return ZarrStorage(ZarrConfig())


@pytest.fixture(scope="session")
def values(header):
    """The rows of a store: every value is different and none is zero."""

    def make(header=header, seed=0):
        generator = torch.Generator().manual_seed(seed)
        return {
            a.name: torch.randn(header.rows, a.columns, generator=generator) + 9
            for a in header.arrays
        }

    return make


@pytest.fixture(scope="session")
def write(header, storage, values):
    """Write all missing rows of a store, in batches of 3; return what it holds."""

    def write(root, header=header, data=None, storage=storage):
        data = values(header) if data is None else data
        with StoreWriter(root, header, storage) as writer:
            for rows in writer.gaps():
                for start in range(rows.start, rows.stop, 3):
                    stop = min(start + 3, rows.stop)
                    writer.append({name: x[start:stop] for name, x in data.items()})
            writer.finish()
        return data

    return write


@pytest.fixture(scope="session")
def assert_holds(registry):
    """Assert that the store at `root` is whole, holds `data`, and has no file beside its own."""

    def check(root, data):
        store = open_store(root, registry)
        for name, expected in data.items():
            actual = store.read(name, 0, store.header.rows)
            assert torch.equal(actual, expected.to(actual.dtype))
        allowed = {"store.json", "manifest.jsonl", "LOCK", "zarr.json", "arrays/zarr.json"}
        for array in store.header.arrays:
            rows = -(-store.header.rows // store.header.chunk_rows)
            columns = -(-array.columns // min(store.header.chunk_columns, array.columns))
            allowed.add(f"arrays/{array.name}/zarr.json")
            allowed |= {
                f"arrays/{array.name}/c/{i}/{j}" for i in range(rows) for j in range(columns)
            }
        found = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
        assert found == allowed

    return check


@pytest.fixture(scope="session")
def evolve(header):
    return lambda **changes: attrs.evolve(header, **changes)
