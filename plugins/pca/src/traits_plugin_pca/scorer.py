"""How far an activation lies along each principal component."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Self

import attrs
import torch
from torch import Tensor

from traits_core import (
    AffineParts,
    ConfigError,
    StoreError,
    centred,
    check_activations,
    load_tensors,
    save_tensors,
)
from traits_plugin_pca.spectrum import Spectrum

FILE: Final = "scorer.safetensors"
KIND: Final = {"scorer": "pca", "version": 1}


@attrs.frozen(eq=False, kw_only=True)
class PCAScorer:
    """Scores are the coordinates of the centred activation: (x - mean).c for each component c.

    Parameters
    ----------
    spectrum: the components, and the variances of all directions
    mean_d: float32 mean of the activations
    epsilon: divide coordinates by sqrt(variance + epsilon * largest variance); None: do not whiten
    split: score +(x - mean).c for all components, then -(x - mean).c for all
    residual: score the squared error of the reconstruction too, last
    """

    spectrum: Spectrum
    mean_d: Tensor
    epsilon: float | None = None
    split: bool = False
    residual: bool = False
    projection_kd: Tensor = attrs.field(init=False)

    @projection_kd.default
    def _projection(self) -> Tensor:
        components_kd = self.spectrum.components_kd
        if self.epsilon is None:
            return components_kd
        variances_k = self.spectrum.variances_j[: len(components_kd)]
        raised_k = variances_k + self.epsilon * variances_k[0]
        return components_kd * raised_k.rsqrt().float()[:, None]

    @property
    def n_prototypes(self) -> int:
        """Components, twice when split, and the residual."""
        return len(self.projection_kd) * (2 if self.split else 1) + self.residual

    @torch.no_grad()
    def __call__(self, acts_bd: Tensor) -> Tensor:
        """Score activations [B, D] of any float dtype; float32 [B, K].

        Raises DataError for another width, an integer dtype, NaN or infinity.
        """
        rows_bd = self._centred(acts_bd)
        columns = [rows_bd @ self.projection_kd.T]
        if self.split:
            columns.append(-columns[0])
        if self.residual:
            errors_bd = rows_bd - self._projected(rows_bd)
            columns.append(errors_bd.square_().sum(dim=1, keepdim=True))
        return torch.cat(columns, dim=1) if len(columns) > 1 else columns[0]

    @torch.no_grad()
    def reconstruct(self, acts_bd: Tensor) -> Tensor:
        """The nearest points [B, D], float32, to the activations among those that the components span."""
        return self._projected(self._centred(acts_bd)) + self.mean_d

    def affine(self) -> AffineParts:
        """Coordinates as latents; the decoder undoes whitening.

        Split scores reconstruct once negative latents are 0, as sparse autoencoders have them. Raises
        ConfigError when the residual is scored, which is no affine function.
        """
        if self.residual:
            raise ConfigError(
                "a PCA that scores the residual has no affine form: train with --method.no-residual"
            )
        signs = (1.0, -1.0) if self.split else (1.0,)
        encoder_kd = torch.cat([sign * self.projection_kd for sign in signs])
        lengths_k = self.projection_kd.norm(dim=1, keepdim=True)
        decoder_kd = self.spectrum.components_kd / lengths_k
        return AffineParts(
            encoder_dk=encoder_kd.T.contiguous(),
            bias_k=torch.zeros_like(encoder_kd[:, 0]),
            decoder_kd=torch.cat([sign * decoder_kd for sign in signs]),
            shift_d=self.mean_d,
        )

    def save(self, directory: Path) -> None:
        """Write `scorer.safetensors` into `directory`."""
        spectrum = self.spectrum
        tensors = {
            "components_kd": spectrum.components_kd,
            "variances_j": spectrum.variances_j,
            "explained_j": spectrum.explained_j,
            "mean_d": self.mean_d,
        }
        facts: dict[str, Any] = {
            "total_variance": spectrum.total_variance,
            "noise_variance": spectrum.noise_variance,
            "n_rows": spectrum.n_rows,
            "epsilon": self.epsilon,
            "split": self.split,
            "residual": self.residual,
        }
        save_tensors(directory / FILE, tensors, KIND | facts)

    @classmethod
    def load(cls, directory: Path, device: torch.device) -> Self:
        """Read what `save` wrote; raises StoreError when it is something else."""
        tensors, facts = load_tensors(directory / FILE, device)
        if {key: facts.get(key) for key in KIND} != KIND:
            raise StoreError(
                f"{directory / FILE}: not a PCA scorer of version 1 but {facts}: "
                "load it with the method and version that wrote it"
            )
        return cls(
            spectrum=Spectrum(
                components_kd=tensors["components_kd"],
                variances_j=tensors["variances_j"],
                total_variance=facts["total_variance"],
                n_rows=facts["n_rows"],
            ),
            mean_d=tensors["mean_d"],
            epsilon=facts["epsilon"],
            split=facts["split"],
            residual=facts["residual"],
        )

    def _centred(self, acts_bd: Tensor) -> Tensor:
        check_activations(acts_bd, len(self.mean_d))
        return centred(acts_bd, self.mean_d)

    def _projected(self, rows_bd: Tensor) -> Tensor:
        components_kd = self.spectrum.components_kd
        return (rows_bd @ components_kd.T) @ components_kd
