"""Small sources in every format, and where the files of peers are."""

import json
import os
import sys
import tracemalloc
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch

from traits_core.config.run_config import Choice
from traits_core.config.structure import structure
from traits_core.progress import Silent
from traits_core.stores.convert import convert
from traits_core.stores.dtypes import TORCH_DTYPES
from traits_core.stores.header import ArraySpec
from traits_core.stores.open_any import open_any, select_layers
from traits_core.stores.writer import StoreWriter

PROJECT = Path(__file__).parents[4]
MEMORY = 8 * 2**20

sys.path.insert(0, str(Path(__file__).parent))  # for `plain_saev` and `hostile`


@pytest.fixture(scope="session")
def saev_shards():
    """The directory of shards that saev itself wrote."""
    root = Path(os.environ.get("TRAITS_FIXTURES", PROJECT / ".." / "shared" / "fixtures"))
    if not (root / "saev" / "shards").is_dir():
        pytest.skip("no files of peers: set TRAITS_FIXTURES to their directory")
    return root / "saev" / "shards"


@pytest.fixture(scope="session")
def opening(registry):
    """Open anything, as `traits convert` does."""

    def opening(root, layers=None, **options):
        opened = open_any(root, registry, options)
        return select_layers(opened, layers) if layers else opened

    return opening


@pytest.fixture(scope="session")
def converted(registry):
    """Convert as the command does; return the directory that was written."""

    def converted(source, root, to, dtype=None, **options):
        kind = "format" if to in ("npz", "saev") else "storage"
        spec = registry.get(kind, to)
        choice = Choice(spec, structure(spec.config, options))
        return convert(source, root, choice, dtype, Silent())

    return converted


@pytest.fixture(scope="session")
def everything():
    """All rows of one array."""
    return lambda opened, name: opened.store.read(name, 0, opened.store.header.rows)


@pytest.fixture
def native(tmp_path, header, storage):
    """Write a store of ours: 3 positions, layers `low` and `high` of 4 columns, in small shards."""

    def native(dtype="float32", examples=7, positions=3, position="patch"):
        arrays = tuple(
            ArraySpec(
                name=a.name,
                columns=4,
                feature=attrs.evolve(a.feature, d_model=4, position=position, grid=None),
            )
            for a in header.arrays
        )
        small = attrs.evolve(
            header,
            dtype=dtype,
            rows=examples * positions,
            positions=positions,
            rows_per_shard=6,
            chunk_rows=3,
            chunk_columns=4,
            arrays=arrays,
        )
        generator = torch.Generator().manual_seed(1)
        data = {
            a.name: torch.randn(small.rows, 4, generator=generator).to(TORCH_DTYPES[dtype])
            for a in arrays
        }
        root = tmp_path / "native"
        with StoreWriter(root, small, storage) as writer:
            writer.append(data)
            writer.finish()
        return root, data

    return native


@pytest.fixture
def chunks(tmp_path):
    """Write token chunks as others do: one call of `np.savez` each, and perhaps metadata."""

    def chunks(*parts, metadata=None, save=np.savez):
        root = tmp_path / "chunks-of-others"
        (root / "chunks").mkdir(parents=True)
        for i, part in enumerate(parts):
            save(root / "chunks" / f"chunk_{i:04}.npz", **part)
        if metadata is not None:
            (root / "metadata.json").write_text(json.dumps(metadata))
        return root

    return chunks


@pytest.fixture
def guarded(opening, tmp_path, monkeypatch):
    """Open what may be malicious: little memory is asked for, and nothing is executed."""

    def guarded(root):
        tracemalloc.start()
        try:
            return opening(root)
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < MEMORY

    monkeypatch.chdir(tmp_path)
    yield guarded
    assert not (tmp_path / "executed").exists()
