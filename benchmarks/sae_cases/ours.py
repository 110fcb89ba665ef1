"""The method `sae`, fed batch by batch as the training loop feeds it."""

from __future__ import annotations

import torch
from sae_cases.task import Task
from torch import Tensor

from traits_core import NullComm
from traits_plugin_sae.config import SaeConfig
from traits_plugin_sae.method import Sae


class Ours:
    """With its defaults, but for what the task says."""

    def __init__(self, task: Task, sample_nd: Tensor) -> None:
        config = SaeConfig(
            architecture=task.architecture,
            n_latents=task.n_latents,
            k=task.k,
            steps=task.steps,
            step_rows=task.batch,
            learning_rate=task.learning_rate,
        )
        self.method = Sae(
            config,
            d_model=task.d_model,
            seed=task.seed,
            device=torch.device("cpu"),
            comm=NullComm(),
        )
        self.method.initialize(sample_nd)

    def step(self, acts_bd: Tensor) -> None:
        """One step: a batch has as many rows as a step takes."""
        self.method.update(acts_bd)

    def finish(self) -> None:
        """Have the method do what it does after a pass, and keep the scorer."""
        self.method.end_epoch()
        self.dictionary = self.method.scorer().dictionary

    def latents(self, acts_bd: Tensor) -> Tensor:
        """The scores."""
        return self.dictionary.encode(acts_bd)

    def decode(self, latents_bs: Tensor) -> Tensor:
        """Of the dictionary."""
        return self.dictionary.decode(latents_bs)

    @property
    def decoder_sd(self) -> Tensor:
        """Of the dictionary."""
        return self.dictionary.decoder_sd
