"""How near an activation is to each centroid."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import attrs
import torch
from torch import Tensor

from traits_core import StoreError, centred, check_activations, load_tensors, save_tensors
from traits_plugin_kmeans.codebook import Codebook

FILE = "scorer.safetensors"


@attrs.frozen(eq=False)
class KMeansScorer:
    """Scores are negative squared Euclidean distances: at most 0, larger is nearer.

    Parameters
    ----------
    codebook: centroids [K, D], less the shift
    shift_d: float32, subtracted from activations before they are compared
    """

    codebook: Codebook
    shift_d: Tensor

    @property
    def n_prototypes(self) -> int:
        """The number of centroids."""
        return len(self.codebook.centroids_kd)

    @property
    def centroids_kd(self) -> Tensor:
        """The centroids [K, D] in the space of the activations."""
        return self.codebook.centroids_kd + self.shift_d

    @torch.no_grad()
    def __call__(self, acts_bd: Tensor) -> Tensor:
        """Score activations [B, D] of any float dtype: -|x - c|^2, float32 [B, K].

        Raises DataError for another width, an integer dtype, NaN or infinity.
        """
        check_activations(acts_bd, len(self.shift_d))
        rows_bd = centred(acts_bd, self.shift_d)
        scores_bk = torch.addmm(
            self.codebook.half_norms_k, rows_bd, self.codebook.centroids_kd.T, beta=-2, alpha=2
        )
        return scores_bk.sub_(rows_bd.square().sum(dim=1, keepdim=True)).clamp_(max=0)

    def save(self, directory: Path) -> None:
        """Write `scorer.safetensors` into `directory`."""
        tensors = {"centroids_kd": self.codebook.centroids_kd, "shift_d": self.shift_d}
        save_tensors(directory / FILE, tensors, {"scorer": "kmeans", "version": 1})

    @classmethod
    def load(cls, directory: Path, device: torch.device) -> Self:
        """Read what `save` wrote; raises StoreError when it is something else."""
        tensors, facts = load_tensors(directory / FILE, device)
        if facts != {"scorer": "kmeans", "version": 1}:
            raise StoreError(
                f"{directory / FILE}: not a k-means scorer of version 1 but {facts}: "
                "load it with the method and version that wrote it"
            )
        return cls(Codebook(tensors["centroids_kd"]), tensors["shift_d"])
