"""SAELens, driven by the seams that its own `fit` and `MultiSAETrainer` use."""

from __future__ import annotations

from typing import Any

from sae_cases.task import Task
from torch import Tensor


class SAELens:
    """`SAETrainer` of SAELens on batches that we hand it."""

    def __init__(self, task: Task, sample_nd: Tensor) -> None:
        from sae_lens.config import SAETrainerConfig
        from sae_lens.training.sae_trainer import SAETrainer

        del sample_nd
        rate = task.learning_rate or 3e-4
        self.trainer: Any = SAETrainer(
            SAETrainerConfig(
                total_training_samples=task.steps * task.batch,
                train_batch_size_samples=task.batch,
                lr_warm_up_steps=task.warm_up,
                lr_decay_steps=task.steps - task.decay_start,
                dead_feature_window=task.dead_after,
                lr=rate,
                lr_end=rate / 10,  # asked for, though a constant schedule ignores it
            ),
            _autoencoder(task),
            data_provider=iter(()),
        )

    def step(self, acts_bd: Tensor) -> None:
        """As in `SAETrainer.fit`, without logging and checkpoints."""
        self.trainer.maybe_reset_sparsity()
        self.trainer.step(acts_bd)
        self.trainer.n_training_steps += 1

    def finish(self) -> None:
        """Put the module into evaluation mode."""
        self.trainer.sae.eval()

    def latents(self, acts_bd: Tensor) -> Tensor:
        """As exported: BatchTopK becomes JumpReLU with the threshold that training tracked."""
        sae = self.trainer.sae
        if not hasattr(sae, "topk_threshold"):
            return sae.encode(acts_bd)
        _, pre_bs = sae.encode_with_hidden_pre(acts_bd)
        return pre_bs.relu() * (pre_bs > sae.topk_threshold)

    def decode(self, latents_bs: Tensor) -> Tensor:
        """The library's own."""
        return self.trainer.sae.decode(latents_bs)

    @property
    def decoder_sd(self) -> Tensor:
        """`W_dec`."""
        return self.trainer.sae.W_dec.detach()


def _autoencoder(task: Task) -> Any:
    from sae_lens.saes import batchtopk_sae, standard_sae, topk_sae

    size = {"d_in": task.d_model, "d_sae": task.n_latents}
    if task.architecture == "relu":
        config = standard_sae.StandardTrainingSAEConfig(**size)
        return standard_sae.StandardTrainingSAE(config)
    if task.architecture == "batchtopk":
        config = batchtopk_sae.BatchTopKTrainingSAEConfig(**size, k=task.k)
        return batchtopk_sae.BatchTopKTrainingSAE(config)
    return topk_sae.TopKTrainingSAE(topk_sae.TopKTrainingSAEConfig(**size, k=task.k))
