"""Scorers that have learned nothing: what a method must beat before it has found anything.

Both see activations standardised per dimension, so that no single large dimension decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import attrs
import numpy as np
import torch
from torch import Tensor

from traits_core.errors import DataError
from traits_core.tensors import load_tensors, save_tensors

FILE: Final = "scorer.safetensors"
GAUSSIAN: Final = 1
ACTIVATIONS: Final = 2


@attrs.frozen(kw_only=True, eq=False)
class DirectionScorer:
    """Scores are dot products of standardised activations with unit directions.

    Parameters
    ----------
    mean_d, scale_d: float32 [D]; an activation x becomes (x - mean) / scale
    directions_kd: float32 [K, D]
    """

    mean_d: Tensor
    scale_d: Tensor
    directions_kd: Tensor

    @property
    def n_prototypes(self) -> int:
        """The number of directions."""
        return len(self.directions_kd)

    def __call__(self, acts_bd: Tensor) -> Tensor:
        """Score activations [B, D] of any float dtype; return float32 [B, K]."""
        (scores_bk,) = self.blocks(acts_bd, self.n_prototypes)
        return scores_bk

    @torch.no_grad()
    def blocks(self, acts_bd: Tensor, width: int) -> Iterator[Tensor]:
        """Yield the scores of `width` directions after the other; the first raises as a call does."""
        if acts_bd.ndim != 2 or acts_bd.shape[1] != len(self.mean_d):
            raise DataError(
                f"activations of shape {tuple(acts_bd.shape)} do not fit directions of length "
                f"{len(self.mean_d)}: they must be [rows, {len(self.mean_d)}]"
            )
        rows_bd = (acts_bd.float() - self.mean_d).div_(self.scale_d)
        for directions_wd in torch.split(self.directions_kd, width):
            yield rows_bd @ directions_wd.T

    def save(self, directory: Path) -> None:
        """Write `scorer.safetensors` into `directory`."""
        save_tensors(directory / FILE, attrs.asdict(self, recurse=False))

    @classmethod
    def load(cls, directory: Path, device: torch.device) -> Self:
        """Read what `save` wrote."""
        tensors, _ = load_tensors(directory / FILE, device)
        return cls(**tensors)


def gaussian_scorer(sample_nd: Tensor, n_prototypes: int, seed: int) -> DirectionScorer:
    """Draw directions uniformly from the sphere, in the space that the sample [N, D] standardises.

    The draw depends on the seed alone, not on the device. Raises DataError for an empty sample.
    """
    mean_d, scale_d = _standardisation(sample_nd)
    normals_kd = torch.randn(
        n_prototypes, sample_nd.shape[1], generator=_generator(seed, GAUSSIAN), dtype=torch.float64
    )
    return _scorer(mean_d, scale_d, normals_kd.to(mean_d))


def activations_scorer(sample_nd: Tensor, n_prototypes: int, seed: int) -> DirectionScorer:
    """Draw different rows of the sample [N, D], standardise them, and scale them to unit length.

    The length of a direction does not matter to average precision. A row that equals the mean has no
    direction: its scores are all zero.

    Raises DataError for fewer rows than prototypes.
    """
    if n_prototypes > len(sample_nd):
        raise DataError(
            f"{n_prototypes} prototypes cannot be drawn from {len(sample_nd)} activations without "
            "drawing one twice: ask for fewer prototypes or extract more examples"
        )
    mean_d, scale_d = _standardisation(sample_nd)
    rows = torch.randperm(len(sample_nd), generator=_generator(seed, ACTIVATIONS))[:n_prototypes]
    rows_kd = sample_nd[rows.to(sample_nd.device)].float()
    return _scorer(mean_d, scale_d, (rows_kd - mean_d) / scale_d)


def _scorer(mean_d: Tensor, scale_d: Tensor, vectors_kd: Tensor) -> DirectionScorer:
    directions_kd = torch.nn.functional.normalize(vectors_kd, dim=1)
    return DirectionScorer(mean_d=mean_d, scale_d=scale_d, directions_kd=directions_kd)


def _standardisation(sample_nd: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each dimension; a constant one is left unscaled."""
    if sample_nd.ndim != 2 or not len(sample_nd):
        raise DataError(
            f"null scorers need a sample of activations [rows, d_model], got {tuple(sample_nd.shape)}"
        )
    std_d, mean_d = torch.std_mean(sample_nd.float(), dim=0, correction=0)
    return mean_d, torch.where(std_d > 0, std_d, torch.ones_like(std_d))


def _generator(seed: int, stream: int) -> torch.Generator:
    """A generator whose draws no method repeats by seeding its own with the same number."""
    state = np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
