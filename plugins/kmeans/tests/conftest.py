"""Data with a known answer, and processes that live in threads."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from traits_core import NullComm, ProductRoute
from traits_plugin_kmeans import codebook
from traits_plugin_kmeans.config import KMeansConfig
from traits_plugin_kmeans.method import KMeans

ALONE = NullComm()


@pytest.fixture
def learner() -> Callable[..., KMeans]:
    """Build a learner of exact passes: `learner(d_model, seed=0, comm=..., **options)`."""

    def build(d_model: int, *, seed: int = 0, comm=ALONE, **options) -> KMeans:
        config = KMeansConfig(**{"exact_passes": 99, "max_epochs": 20, **options})
        return KMeans(config, d_model=d_model, seed=seed, device=torch.device("cpu"), comm=comm)

    return build


@pytest.fixture
def fit() -> Callable[..., list[dict]]:
    """Initialise a learner on `sample` rows (all) and train it until it is done; metrics per epoch."""

    def run(
        method: KMeans, rows_nd: Tensor, batch: int = 256, sample: int | None = None
    ) -> list[dict]:
        method.initialize(rows_nd[:sample])
        history = []
        while not method.done:
            for acts_bd in torch.split(rows_nd, batch):
                method.update(acts_bd)
            history.append(dict(method.end_epoch()))
        return history

    return run


@pytest.fixture
def planted() -> Callable[..., tuple[Tensor, Tensor]]:
    """Gaussian clusters: `planted(n, d, k, spread, mean)` gives shuffled rows [n, d] and labels [n]."""

    def make(n=2000, d=16, k=12, spread=0.3, mean=0.0, seed=0) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        centres_kd = 3 * torch.randn(k, d, generator=generator)
        labels_n = torch.arange(n)[torch.randperm(n, generator=generator)] % k
        noise_nd = spread * torch.randn(n, d, generator=generator)
        return centres_kd[labels_n] + noise_nd + mean, labels_n

    return make


@pytest.fixture
def coarse_products(monkeypatch) -> None:
    """Make this processor one that multiplies in bfloat16, whatever it is."""

    def multiply(
        route: ProductRoute, rows_bd: Tensor, centroids_kd: Tensor, out_bk: Tensor
    ) -> None:
        if route is not ProductRoute.PLAIN:
            rows_bd, centroids_kd = rows_bd.bfloat16().float(), centroids_kd.bfloat16().float()
        torch.mm(rows_bd, centroids_kd.T, out=out_bk)

    monkeypatch.setattr(ProductRoute, "multiply", multiply)
    monkeypatch.setattr(codebook, "product_route", lambda device: ProductRoute.SCREENED)
