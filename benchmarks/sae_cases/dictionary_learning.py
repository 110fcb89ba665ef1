"""dictionary_learning: its trainers take batches as they are."""

from __future__ import annotations

from typing import Any

from sae_cases.task import Task
from torch import Tensor


class DictionaryLearning:
    """The trainer of an architecture, called as `trainSAE` does."""

    def __init__(self, task: Task, sample_nd: Tensor) -> None:
        from dictionary_learning.trainers.batch_top_k import BatchTopKTrainer
        from dictionary_learning.trainers.standard import StandardTrainer
        from dictionary_learning.trainers.top_k import TopKTrainer

        del sample_nd
        common: dict[str, Any] = {
            "steps": task.steps,
            "activation_dim": task.d_model,
            "dict_size": task.n_latents,
            "layer": 0,
            "lm_name": "none",
            "warmup_steps": task.warm_up,
            "decay_start": task.decay_start,
            "seed": task.seed,
            "device": "cpu",
        }
        if task.learning_rate is not None:
            common["lr"] = task.learning_rate
        if task.architecture == "relu":
            self.trainer: Any = StandardTrainer(**common, sparsity_warmup_steps=task.warm_up)
        else:
            trainer = {"topk": TopKTrainer, "batchtopk": BatchTopKTrainer}[task.architecture]
            # The threshold for inference is tracked in the last half.
            self.trainer = trainer(**common, k=task.k, threshold_start_step=task.steps // 2)
            self.trainer.dead_feature_threshold = task.dead_after * task.batch
        self.steps = 0

    def step(self, acts_bd: Tensor) -> None:
        """The library's own."""
        self.trainer.update(self.steps, acts_bd)
        self.steps += 1

    def finish(self) -> None:
        """Nothing to do."""

    def latents(self, acts_bd: Tensor) -> Tensor:
        """With the library's defaults: BatchTopK cuts off at its threshold."""
        return self.trainer.ae.encode(acts_bd)

    def decode(self, latents_bs: Tensor) -> Tensor:
        """The library's own."""
        return self.trainer.ae.decode(latents_bs)

    @property
    def decoder_sd(self) -> Tensor:
        """`decoder.weight`, transposed."""
        return self.trainer.ae.decoder.weight.detach().T
