"""Small activations in memory, and stores of what is kept of their scores."""

import os
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch

from traits_core.progress import Silent
from traits_core.records import FeatureSpec
from traits_core.registry.loader import load_registry
from traits_core.scoring.materialize import materialize, score_header
from traits_core.scoring.scored import NamedScorer
from traits_core.scoring.sinks import StoreSink
from traits_core.stores.backends.zarr_config import ZarrConfig
from traits_core.stores.backends.zarr_storage import ZarrStorage
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.reader import Store, open_store

EXAMPLES, POSITIONS, WIDTH, K = 13, 3, 4, 7
CPU = torch.device("cpu")


@pytest.fixture(autouse=True, scope="module")
def _flushing_is_free():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@attrs.frozen(eq=False)
class Dots:
    """A scorer; `batches` has the number of rows of each call."""

    directions_kd: torch.Tensor
    batches: list[int] = attrs.field(factory=list)

    @property
    def n_prototypes(self) -> int:
        return len(self.directions_kd)

    def __call__(self, acts_bd):
        self.batches.append(len(acts_bd))
        return acts_bd @ self.directions_kd.T


@attrs.frozen(eq=False)
class InMemory:
    rows_nd: np.ndarray

    def read(self, array, start, stop, columns=slice(None)):
        return self.rows_nd[start:stop, columns].copy()


@pytest.fixture(scope="session")
def feature():
    return FeatureSpec(
        backbone="b",
        checkpoint="c",
        layer="l",
        d_model=WIDTH,
        position="patch",
        grid=None,
        preprocessing="none",
    )


@pytest.fixture(scope="session")
def activations(feature):
    """13 examples of 3 positions, 4 values wide."""
    rows_nd = np.random.default_rng(0).standard_normal((EXAMPLES * POSITIONS, WIDTH))
    header = StoreHeader(
        kind="activations",
        storage="memory",
        dtype="float32",
        rows=len(rows_nd),
        positions=POSITIONS,
        rows_per_shard=12,
        chunk_rows=6,
        chunk_columns=WIDTH,
        arrays=(ArraySpec(name="l", columns=WIDTH, feature=feature),),
        dataset="d",
        dataset_digest="dd",
        split="train",
    )
    return Store(Path("memory"), header, (), "digest", InMemory(rows_nd.astype(np.float32)))


@pytest.fixture
def scorers():
    """`method` and a null, 7 prototypes each."""
    generator = torch.Generator().manual_seed(1)
    return {
        name: NamedScorer(
            name=name, digest=name, scorer=Dots(torch.randn(K, WIDTH, generator=generator))
        )
        for name in ("method", "gaussian")
    }


@pytest.fixture
def expected(activations, scorers):
    """All scores [rows, K] of every position by name."""
    acts_nd = activations.read("l", 0, activations.header.rows)
    return {name: (acts_nd @ s.scorer.directions_kd.T).numpy() for name, s in scorers.items()}


@pytest.fixture
def sink(activations, scorers):
    """`sink(root, keep)`: a sink with three or more shards."""

    def make(root, keep):
        storage = ZarrStorage(ZarrConfig(chunk_rows=2, rows_per_shard=4))
        header = score_header(scorers, activations, "l", storage, "zarr", keep)
        return StoreSink(root, header, storage, keep)

    return make


@pytest.fixture
def scored(activations, scorers, sink, tmp_path):
    """`scored(keep)`: the finished store of what is kept."""

    def make(keep, root=tmp_path / "scores"):
        with sink(root, keep) as taking:
            materialize(scorers, activations, "l", [taking], CPU, Silent())
        return open_store(root, load_registry())

    return make
