"""Activations with a known covariance, and learners."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from traits_core import NullComm
from traits_plugin_pca.config import PCAConfig
from traits_plugin_pca.method import PCA

ALONE = NullComm()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other make small problems slow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def learner() -> Callable[..., PCA]:
    """Build a learner: `learner(d_model, seed=0, comm=..., **options)`."""

    def build(d_model: int, *, seed: int = 0, comm=ALONE, **options) -> PCA:
        config = PCAConfig(**options)
        return PCA(config, d_model=d_model, seed=seed, device=torch.device("cpu"), comm=comm)

    return build


@pytest.fixture
def fit() -> Callable[..., list[dict]]:
    """Initialise a learner on the first rows and train it until it is done; returns metrics per epoch."""

    def run(method: PCA, rows_nd: Tensor, batch: int = 256) -> list[dict]:
        method.initialize(rows_nd[: method.sample_rows])
        history = []
        while not method.done:
            for acts_bd in torch.split(rows_nd, batch):
                method.update(acts_bd)
            history.append(dict(method.end_epoch()))
        return history

    return run


@pytest.fixture
def spread_rows() -> Callable[..., Tensor]:
    """Rows [n, d], float32, whose j-th direction has variance j^-decay, in a random basis."""

    def make(n=2000, d=24, decay=1.0, mean=0.0, seed=0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        normals_dd = torch.randn(d, d, generator=generator, dtype=torch.float64)
        deviations_d = torch.arange(1, d + 1, dtype=torch.float64) ** (-decay / 2)
        rows_nd = torch.randn(n, d, generator=generator, dtype=torch.float64) * deviations_d
        return (rows_nd @ torch.linalg.qr(normals_dd).Q + mean).float()

    return make
