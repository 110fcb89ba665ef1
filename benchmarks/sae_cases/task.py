"""What every contender is given, and what it must offer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs
from torch import Tensor


@attrs.frozen(kw_only=True)
class Task:
    """One autoencoder to train, and how.

    Parameters
    ----------
    architecture: `topk`, `batchtopk` or `relu`
    d_model, n_latents, k: its size; `k` means nothing to `relu`
    batch: rows of a step
    steps: how many are planned: learning rates warm up over the first 5 % and fall to 0 over the last 20 %
    learning_rate: None for the contender's default
    seed: of the contender's initial weights
    """

    architecture: str
    d_model: int
    n_latents: int
    k: int
    batch: int
    steps: int
    learning_rate: float | None = None
    seed: int = 0

    @property
    def warm_up(self) -> int:
        """Steps until the learning rate is reached."""
        return self.steps // 20

    @property
    def decay_start(self) -> int:
        """The step from which on it falls."""
        return self.steps - self.steps // 5

    @property
    def dead_after(self) -> int:
        """Steps without activity after which a latent counts as dead: a tenth of all."""
        return max(1, self.steps // 10)


class Trainer(Protocol):
    """An autoencoder that is being trained."""

    def step(self, acts_bd: Tensor) -> None:
        """All that the library does for a batch [B, D]: forward, backward, optimiser, bookkeeping."""

    def finish(self) -> None:
        """Training is over: what comes now is inference."""

    def latents(self, acts_bd: Tensor) -> Tensor:
        """Dense latents [B, S], as at inference."""

    def decode(self, latents_bs: Tensor) -> Tensor:
        """Reconstructions [B, D]."""

    @property
    def decoder_sd(self) -> Tensor:
        """The decoder [S, D]."""


Contender = Callable[[Task, Tensor], Trainer]
"""Builds a trainer for a task; takes rows [N, D] to start from."""
