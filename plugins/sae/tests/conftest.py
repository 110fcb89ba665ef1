"""Learners, data with a known dictionary, and processes that live in threads."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from traits_core import NullComm
from traits_plugin_sae.config import SaeConfig
from traits_plugin_sae.method import Sae
from traits_plugin_sae.weights import Weights

ALONE = NullComm()


@pytest.fixture
def learner() -> Callable[..., Sae]:
    """Build a learner: `learner(d_model, seed=0, comm=..., **options)`."""

    def build(d_model: int, *, seed: int = 0, comm=ALONE, **options) -> Sae:
        config = SaeConfig(**options)
        return Sae(config, d_model=d_model, seed=seed, device=torch.device("cpu"), comm=comm)

    return build


@pytest.fixture
def weights() -> Callable[..., Weights]:
    """Random weights with decoder rows of length 1: `weights(d_model, n_latents, **own)`."""

    def build(d_model: int = 12, n_latents: int = 40, **own: Tensor) -> Weights:
        generator = torch.Generator().manual_seed(3)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator)

        return Weights(
            encoder_sd=normal(n_latents, d_model) / 4,
            encoder_bias_s=normal(n_latents) / 8,
            decoder_sd=normalize(normal(n_latents, d_model), dim=1),
            decoder_bias_d=normal(d_model) / 8,
            own=own,
        )

    return build


@pytest.fixture
def planted() -> Callable[..., tuple[Tensor, Tensor]]:
    """Sums of few of more features than dimensions: rows [n, d] with a mean, and features [f, d].

    Each feature is there with probability `active / f`, times a number from 0.5 to 1.5.
    """

    def make(n=4096, d=32, f=64, active=3.0, seed=0, shift=2.0) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed + 100)
        features_fd = normalize(torch.randn(f, d, generator=generator), dim=1)
        there_nf = torch.rand(n, f, generator=generator) < active / f
        amounts_nf = there_nf * (0.5 + torch.rand(n, f, generator=generator))
        return amounts_nf @ features_fd + shift, features_fd

    return make
