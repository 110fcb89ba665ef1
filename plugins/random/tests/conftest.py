"""A learner in one process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from traits_core import NullComm
from traits_plugin_random.config import RandomConfig
from traits_plugin_random.method import RandomPrototypes

ALONE = NullComm()


@pytest.fixture
def learner() -> Callable[..., RandomPrototypes]:
    """Build a learner: `learner(d_model, seed=0, comm=..., **options)`."""

    def build(d_model: int, *, seed: int = 0, comm=ALONE, **options) -> RandomPrototypes:
        return RandomPrototypes(
            RandomConfig(**options),
            d_model=d_model,
            seed=seed,
            device=torch.device("cpu"),
            comm=comm,
        )

    return build


@pytest.fixture
def sample_nd() -> Tensor:
    """Distinct rows [300, 7]."""
    return torch.randn(300, 7, generator=torch.Generator().manual_seed(0))
