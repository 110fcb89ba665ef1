"""The same function in other weights: what happened before or after them is folded in."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from traits_plugin_sae.dictionary import Dictionary


def with_unit_rows(dictionary: Dictionary) -> Dictionary:
    """The same weights, save that the norms of the decoder's rows are in the encoder: latents grow by them."""
    norm_s = dictionary.decoder_sd.norm(dim=1)
    divisor_s = norm_s.clamp(min=torch.finfo(torch.float32).tiny)
    return attrs.evolve(
        dictionary,
        encoder_ds=dictionary.encoder_ds * norm_s,
        encoder_bias_s=dictionary.encoder_bias_s * norm_s,
        decoder_sd=dictionary.decoder_sd / divisor_s[:, None],
    )


def of_raw_rows(
    dictionary: Dictionary, mean_d: Tensor, matrix_dd: Tensor, inverse_dd: Tensor
) -> Dictionary:
    """The dictionary of rows `x`, from one of rows `(x - mean) @ matrix`; reconstructions follow."""
    encoder_ds = matrix_dd @ dictionary.encoder_ds
    shift_s = 0.0 if dictionary.subtracts_bias else mean_d @ encoder_ds
    return attrs.evolve(
        dictionary,
        encoder_ds=encoder_ds,
        encoder_bias_s=dictionary.encoder_bias_s - shift_s,
        decoder_sd=dictionary.decoder_sd @ inverse_dd,
        decoder_bias_d=dictionary.decoder_bias_d @ inverse_dd + mean_d,
    )
