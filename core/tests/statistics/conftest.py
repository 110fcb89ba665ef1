"""Stores in memory that hold given rows."""

from pathlib import Path

import attrs
import numpy as np
import pytest

from traits_core.records import FeatureSpec
from traits_core.stores.dtypes import NUMPY_DTYPES, encode
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.reader import Store


@attrs.define
class MemoryReader:
    rows_nd: np.ndarray
    reads: int = 0

    def read(self, array, start, stop, columns=slice(None)):
        self.reads += 1
        return self.rows_nd[start:stop, columns]


@pytest.fixture(scope="session")
def store_of():
    """Build a store of one array `a` that holds the tensor `rows_nd`."""

    def make(rows_nd, positions=1, dtype="float32", digest="0" * 64, kind="activations"):
        rows, columns = rows_nd.shape
        feature = FeatureSpec(
            backbone="b",
            checkpoint="c",
            layer="l",
            d_model=columns,
            position="token",
            grid=None,
            preprocessing="none",
        )
        header = StoreHeader(
            kind=kind,
            storage="memory",
            dtype=dtype,
            rows=rows,
            positions=positions,
            rows_per_shard=8,
            chunk_rows=4,
            chunk_columns=columns,
            arrays=(ArraySpec(name="a", columns=columns, feature=feature),),
            dataset="d",
            dataset_digest="dd",
            split="train",
        )
        stored = encode(rows_nd, dtype).astype(NUMPY_DTYPES[dtype], copy=False)
        return Store(Path("memory"), header, (), digest, MemoryReader(stored))

    return make
