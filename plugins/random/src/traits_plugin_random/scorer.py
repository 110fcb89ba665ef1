"""The raw dot product with each prototype."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import attrs
import torch
from torch import Tensor

from traits_core import StoreError, load_tensors, save_tensors
from traits_plugin_random.activations import check_activations

FILE = "scorer.safetensors"
FACTS = {"scorer": "random", "version": 1}


@attrs.frozen(eq=False)
class DotScorer:
    """Scores are dot products of the raw activations with prototypes [K, D], float32."""

    prototypes_kd: Tensor

    @property
    def n_prototypes(self) -> int:
        """The number of prototypes."""
        return len(self.prototypes_kd)

    @torch.no_grad()
    def __call__(self, acts_bd: Tensor) -> Tensor:
        """Score activations [B, D] of any float dtype: x.p, float32 [B, K].

        Raises DataError for another width, an integer dtype, NaN or infinity.
        """
        check_activations(acts_bd, self.prototypes_kd.shape[1])
        return acts_bd.float() @ self.prototypes_kd.T

    def save(self, directory: Path) -> None:
        """Write `scorer.safetensors` into `directory`."""
        save_tensors(directory / FILE, {"prototypes_kd": self.prototypes_kd}, FACTS)

    @classmethod
    def load(cls, directory: Path, device: torch.device) -> Self:
        """Read what `save` wrote; raises StoreError when it is something else."""
        tensors, facts = load_tensors(directory / FILE, device)
        if facts != FACTS:
            raise StoreError(
                f"{directory / FILE}: not a scorer of random prototypes of version 1 but {facts}: "
                "load it with the method and version that wrote it"
            )
        return cls(tensors["prototypes_kd"])
