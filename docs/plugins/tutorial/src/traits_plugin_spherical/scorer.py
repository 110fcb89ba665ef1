"""The cosine between a centred activation and each prototype."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import attrs
import torch
from torch import Tensor
from torch.nn.functional import normalize

from traits_core import check_activations, load_tensors, save_tensors

FILE = "scorer.safetensors"


def unit_rows(acts_bd: Tensor, mean_d: Tensor) -> Tensor:
    """Centre activations [B, D] of any float dtype and scale them to unit length, float32.

    Raises DataError for another width, an integer dtype, NaN and infinity.
    """
    check_activations(acts_bd, len(mean_d))
    return normalize(acts_bd.float() - mean_d, dim=1)


@attrs.frozen(eq=False)
class CosineScorer:
    """Scores are cosines with the unit directions [K, D], seen from the mean [D]."""

    mean_d: Tensor
    directions_kd: Tensor

    @property
    def n_prototypes(self) -> int:
        """The number of directions."""
        return len(self.directions_kd)

    @torch.no_grad()
    def __call__(self, acts_bd: Tensor) -> Tensor:
        """Score activations [B, D]; return float32 [B, K]."""
        return unit_rows(acts_bd, self.mean_d) @ self.directions_kd.T

    def save(self, directory: Path) -> None:
        """Write `scorer.safetensors` into `directory`."""
        save_tensors(directory / FILE, attrs.asdict(self))

    @classmethod
    def load(cls, directory: Path, device: torch.device) -> Self:
        """Read what `save` wrote."""
        tensors, _ = load_tensors(directory / FILE, device)
        return cls(**tensors)
