"""The dot product with each prototype."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import attrs
import torch
from torch import Tensor

from traits_core import AffineParts, StoreError, check_activations, load_tensors, save_tensors

FILE = "scorer.safetensors"
FACTS = {"scorer": "random", "version": 1}


@attrs.frozen(eq=False)
class DotScorer:
    """Scores are dot products x.p, of the raw activations unless they are shifted: (x - shift).p.

    Parameters
    ----------
    prototypes_kd: float32
    shift_d: float32, subtracted from activations; None: they are taken as they are
    """

    prototypes_kd: Tensor
    shift_d: Tensor | None = None

    @property
    def n_prototypes(self) -> int:
        """The number of prototypes."""
        return len(self.prototypes_kd)

    def __call__(self, acts_bd: Tensor) -> Tensor:
        """Score activations [B, D] of any float dtype; float32 [B, K].

        Raises DataError for another width, an integer dtype, NaN or infinity.
        """
        (scores_bk,) = self.blocks(acts_bd, self.n_prototypes)
        return scores_bk

    @torch.no_grad()
    def blocks(self, acts_bd: Tensor, width: int) -> Iterator[Tensor]:
        """Yield the scores of `width` prototypes after the other; the first raises as a call does."""
        check_activations(acts_bd, self.prototypes_kd.shape[1])
        rows_bd = (acts_bd if self.shift_d is None else acts_bd - self.shift_d).float()
        for prototypes_wd in torch.split(self.prototypes_kd, width):
            yield rows_bd @ prototypes_wd.T

    def affine(self) -> AffineParts:
        """Dot products as latents, prototypes as decoder."""
        n_prototypes, d_model = self.prototypes_kd.shape
        shift_d = self.prototypes_kd.new_zeros(d_model) if self.shift_d is None else self.shift_d
        return AffineParts(
            encoder_dk=self.prototypes_kd.T.contiguous(),
            bias_k=self.prototypes_kd.new_zeros(n_prototypes),
            decoder_kd=self.prototypes_kd.clone(),
            shift_d=shift_d,
        )

    def save(self, directory: Path) -> None:
        """Write `scorer.safetensors` into `directory`."""
        tensors = {"prototypes_kd": self.prototypes_kd, "shift_d": self.shift_d}
        given = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        save_tensors(directory / FILE, given, FACTS)

    @classmethod
    def load(cls, directory: Path, device: torch.device) -> Self:
        """Read what `save` wrote; raises StoreError when it is something else."""
        tensors, facts = load_tensors(directory / FILE, device)
        if facts != FACTS:
            raise StoreError(
                f"{directory / FILE}: not a scorer of random prototypes of version 1 but {facts}: "
                "load it with the method and version that wrote it"
            )
        return cls(**tensors)
