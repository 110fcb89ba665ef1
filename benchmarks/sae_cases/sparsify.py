"""sparsify: its module, with the training step written out, because its trainer runs inside a language model."""

from __future__ import annotations

from typing import Any

import torch
from sae_cases.task import Task
from torch import Tensor


class Sparsify:
    """`SparseCoder` with Adam and linear decay over the whole run, in the order of `Trainer.fit`."""

    def __init__(self, task: Task, sample_nd: Tensor) -> None:
        from sparsify import SparseCoder, SparseCoderConfig
        from transformers import get_linear_schedule_with_warmup

        torch.manual_seed(task.seed)
        config = SparseCoderConfig(num_latents=task.n_latents, k=task.k)
        self.coder: Any = SparseCoder(task.d_model, config)
        self.coder.b_dec.data = sample_nd.mean(dim=0)
        rate = task.learning_rate or 2e-4 / (task.n_latents / 2**14) ** 0.5
        self.optimizer = torch.optim.Adam(self.coder.parameters(), lr=rate)
        self.schedule = get_linear_schedule_with_warmup(self.optimizer, task.warm_up, task.steps)
        self.since_fired_s = torch.zeros(task.n_latents, dtype=torch.long)

    def step(self, acts_bd: Tensor) -> None:
        """With the defaults of `TrainConfig`: no auxiliary loss, no clipping."""
        self.coder.set_decoder_norm_to_unit_norm()
        out = self.coder(acts_bd)
        out.fvu.backward()
        self.coder.remove_gradient_parallel_to_decoder_directions()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.schedule.step()
        self.since_fired_s += len(acts_bd)
        self.since_fired_s[out.latent_indices.flatten()] = 0

    def finish(self) -> None:
        """Nothing to do."""

    def latents(self, acts_bd: Tensor) -> Tensor:
        """The sparse latents, written into a dense matrix."""
        out = self.coder.encode(acts_bd)
        latents_bs = acts_bd.new_zeros(len(acts_bd), self.coder.num_latents)
        return latents_bs.scatter_(1, out.top_indices, out.top_acts)

    def decode(self, latents_bs: Tensor) -> Tensor:
        """The library's own, of the latents that are not 0."""
        top_acts, top_indices = latents_bs.topk(self.coder.cfg.k, dim=1)
        return self.coder.decode(top_acts, top_indices)

    @property
    def decoder_sd(self) -> Tensor:
        """`W_dec`."""
        return self.coder.W_dec.detach()
