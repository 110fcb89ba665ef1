"""Data with a known answer, and learners."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import vonmises_fisher
from torch import Tensor

from traits_core import NullComm
from traits_plugin_softcluster.centres import Centres
from traits_plugin_softcluster.config import SoftClusterConfig
from traits_plugin_softcluster.method import SoftCluster
from traits_plugin_softcluster.scorer import SoftClusterScorer

ALONE = NullComm()


@pytest.fixture
def learner() -> Callable[..., SoftCluster]:
    """Build a learner: `learner(d_model, seed=0, comm=..., **options)`."""

    def build(d_model: int, *, seed: int = 0, comm=ALONE, **options) -> SoftCluster:
        config = SoftClusterConfig(**options)
        return SoftCluster(
            config, d_model=d_model, seed=seed, device=torch.device("cpu"), comm=comm
        )

    return build


@pytest.fixture
def fit() -> Callable[..., list[dict]]:
    """Initialise a learner on all rows and train it until it is done; returns metrics per epoch."""

    def run(method: SoftCluster, rows_nd: Tensor, batch: int = 256) -> list[dict]:
        method.initialize(rows_nd)
        history = []
        while not method.done:
            for acts_bd in torch.split(rows_nd, batch):
                method.update(acts_bd)
            history.append(dict(method.end_epoch()))
        return history

    return run


@pytest.fixture
def planted() -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
    """A von Mises-Fisher mixture: shuffled unit rows [n, d], labels [n], means [k, d]."""

    def make(n=1500, d=16, k=12, kappa=80.0, seed=0) -> tuple[Tensor, Tensor, Tensor]:
        rng = np.random.default_rng(seed)
        means_kd = rng.standard_normal((k, d))
        means_kd /= np.linalg.norm(means_kd, axis=1, keepdims=True)
        labels_n = rng.permutation(np.arange(n) % k)
        rows_nd = np.empty((n, d))
        for label, mean_d in enumerate(means_kd):
            mine = labels_n == label
            rows_nd[mine] = vonmises_fisher(mean_d, kappa).rvs(int(mine.sum()), random_state=rng)
        return (
            torch.from_numpy(rows_nd).float(),
            torch.from_numpy(labels_n),
            torch.from_numpy(means_kd).float(),
        )

    return make


@pytest.fixture
def scorer_of() -> Callable[..., SoftClusterScorer]:
    """A scorer of given centres: `scorer_of(centres_kd, temperature=0.05, ...)`."""

    def build(
        centres_kd: Tensor, *, temperature=0.05, shift_d=None, min_membership=0.01, members=16
    ) -> SoftClusterScorer:
        unit_kd = torch.nn.functional.normalize(centres_kd, dim=1)
        shift_d = torch.zeros(centres_kd.shape[1]) if shift_d is None else shift_d
        members = min(members, len(unit_kd))
        return SoftClusterScorer(Centres(unit_kd, temperature), shift_d, min_membership, members)

    return build
