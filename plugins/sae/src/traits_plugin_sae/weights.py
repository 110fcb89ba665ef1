"""The weights that training moves, by name; gradients have the same shape and the same names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import attrs
from torch import Tensor


@attrs.frozen(eq=False, kw_only=True)
class Weights:
    """Encoder and decoder of a sparse autoencoder, of activations of unit scale.

    Latents are `activation(encoder (x - decoder_bias) + encoder_bias)`. The encoder has a row per
    latent, so that the gradients of few active latents are few rows.

    Parameters
    ----------
    encoder_sd, encoder_bias_s, decoder_sd, decoder_bias_d: float32, on one device
    own: what only one architecture has, [S] each, by name
    """

    encoder_sd: Tensor
    encoder_bias_s: Tensor
    decoder_sd: Tensor
    decoder_bias_d: Tensor
    own: Mapping[str, Tensor] = attrs.field(factory=dict)

    def named(self) -> dict[str, Tensor]:
        """All tensors by name."""
        return {
            "encoder_sd": self.encoder_sd,
            "encoder_bias_s": self.encoder_bias_s,
            "decoder_sd": self.decoder_sd,
            "decoder_bias_d": self.decoder_bias_d,
            **self.own,
        }

    def copy(self) -> Self:
        """The same values in memory of their own."""
        return self.of({name: tensor.clone() for name, tensor in self.named().items()})

    @classmethod
    def of(cls, named: Mapping[str, Tensor]) -> Self:
        """The weights that `named` was made of."""
        fixed = {field.name for field in attrs.fields(cls)} - {"own"}
        own = {name: tensor for name, tensor in named.items() if name not in fixed}
        return cls(**{name: named[name] for name in fixed}, own=own)
