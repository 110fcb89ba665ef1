"""How strongly each latent is active in an activation."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_core import AffineParts, ConfigError, check_activations
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.row_norms import RowNorm

FILE: Final = "scorer.safetensors"


@attrs.frozen(eq=False)
class SaeScorer:
    """Scores are the latents of a trained dictionary, at least 0, in the units of the activations.

    Parameters
    ----------
    dictionary: encoder, activation function, decoder; it takes activations as they are stored
    """

    dictionary: Dictionary

    @property
    def n_prototypes(self) -> int:
        """The number of latents."""
        return self.dictionary.n_latents

    @torch.no_grad()
    def __call__(self, acts_bd: Tensor) -> Tensor:
        """All latents of activations [B, D] of any float dtype; float32 [B, S].

        Raises DataError for another width, an integer dtype, NaN or infinity.
        """
        self._check(acts_bd)
        return self.dictionary.encode(acts_bd)

    @torch.no_grad()
    def sparse(self, acts_bd: Tensor) -> tuple[Tensor, Tensor]:
        """The positive latents: float32 values [B, J] and int64 latents [B, J]; spare places hold 0."""
        self._check(acts_bd)
        return self.dictionary.encode_sparse(acts_bd)

    @torch.no_grad()
    def reconstruct(self, acts_bd: Tensor) -> Tensor:
        """What the latents of activations [B, D] say of them: float32 [B, D]."""
        self._check(acts_bd)
        return self.dictionary.reconstruct(acts_bd)

    def affine(self) -> AffineParts:
        """Encoder and decoder without the activation function.

        Raises ConfigError for a dictionary that normalises each row or has a skip: neither is part
        of an affine map and back.
        """
        if self.dictionary.row_norm is not RowNorm.NONE or self.dictionary.skip_dd is not None:
            skip = "with" if self.dictionary.skip_dd is not None else "without"
            raise ConfigError(
                f"a sparse autoencoder with row norm {self.dictionary.row_norm.value!r} and {skip} a "
                "skip has no affine form (only 'none' without a skip has): use its dictionary"
            )
        dictionary = self.dictionary.subtracting(wanted=True)
        return AffineParts(
            encoder_dk=dictionary.encoder_ds,
            bias_k=dictionary.encoder_bias_s,
            decoder_kd=dictionary.decoder_sd,
            shift_d=dictionary.decoder_bias_d,
        )

    def save(self, directory: Path) -> None:
        """Write `scorer.safetensors` into `directory`."""
        self.dictionary.save(directory / FILE)

    @classmethod
    def load(cls, directory: Path, device: torch.device) -> Self:
        """Read what `save` wrote; raises StoreError when it is something else."""
        return cls(Dictionary.load(directory / FILE, device))

    def _check(self, acts_bd: Tensor) -> None:
        check_activations(acts_bd, self.dictionary.d_model)
