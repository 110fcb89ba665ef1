"""Weights averaged over steps: what scores, when somebody asks for it, instead of the last weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import attrs
import torch
from torch import Tensor

from traits_plugin_sae.weights import Weights


@attrs.frozen(eq=False)
class Average:
    """Exponential moving average of weights; of the first `steps` steps, their mean.

    Parameters
    ----------
    weights: the averages
    steps: each new step counts 1 / steps, and what was before it the rest
    """

    weights: Weights
    steps: int

    @classmethod
    def like(cls, weights: Weights, steps: int) -> Self:
        """Of nothing yet."""
        zeros = {name: torch.zeros_like(tensor) for name, tensor in weights.named().items()}
        return cls(Weights.of(zeros), steps)

    def add(self, weights: Weights, step: int) -> None:
        """Count the weights after a step, which are counted from 0."""
        newest = weights.named()
        for name, tensor in self.weights.named().items():
            tensor.lerp_(newest[name], 1 / min(step + 1, self.steps))

    def restart(self, weights: Weights, latents_a: Tensor) -> None:
        """Forget what latents were that have started again elsewhere."""
        newest = weights.named()
        for name, tensor in self.weights.named().items():
            if name != "decoder_bias_d":
                tensor[latents_a] = newest[name][latents_a]

    def state(self) -> Mapping[str, Tensor]:
        """The live averages by name."""
        return {f"average.{name}": tensor for name, tensor in self.weights.named().items()}
