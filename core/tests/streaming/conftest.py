"""Stores in memory whose row i is (i + 1, -(i + 1)), and which keep a record of what was read."""

from pathlib import Path

import attrs
import numpy as np
import pytest

from traits_core.records import FeatureSpec
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.reader import Store


@attrs.define
class RecordingReader:
    rows: int
    reads: list = attrs.field(factory=list)

    def read(self, array, start, stop, columns=slice(None)):
        self.reads.append((start, stop))
        ids = np.arange(start, stop, dtype=np.float32) + 1
        return np.stack([ids, -ids], axis=1)[:, columns]


@pytest.fixture(scope="session")
def ramp():
    """Build such a store; returns it and the list of its reads."""

    def make(rows, chunk_rows=4, chunks_per_shard=2, positions=1):
        feature = FeatureSpec(
            backbone="b",
            checkpoint="c",
            layer="l",
            d_model=2,
            position="cell",
            grid=None,
            preprocessing="none",
        )
        header = StoreHeader(
            kind="activations",
            storage="memory",
            dtype="float32",
            rows=rows,
            positions=positions,
            rows_per_shard=chunk_rows * chunks_per_shard,
            chunk_rows=chunk_rows,
            chunk_columns=2,
            arrays=(ArraySpec(name="a", columns=2, feature=feature),),
            dataset="d",
            dataset_digest="dd",
            split="train",
        )
        reader = RecordingReader(rows)
        return Store(Path("memory"), header, (), "digest", reader), reader.reads

    return make
