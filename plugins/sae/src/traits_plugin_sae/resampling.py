"""Dead latents start again where reconstruction is worst. Bricken et al. 2023, Towards Monosemanticity."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from traits_core import Comm, FarRows
from traits_plugin_sae.adam import Adam
from traits_plugin_sae.start import unit
from traits_plugin_sae.weights import Weights

ENCODER_PART: Final = 0.2  # of the mean length of encoder rows, as in the source
AT_MOST: Final = 1024
RANK_STRIDE: Final = 1_000_003


def resample(
    weights: Weights, adam: Adam, dead_s: Tensor, errors_bd: Tensor, seed: int, comm: Comm
) -> Tensor:
    """Point dead latents at errors, drawn with probability proportional to their squares.

    Their moments are forgotten, so that they move at once. Returns which latents moved, int64; at
    most 1024, and no more than there are rows [B, D] in all processes.
    """
    dead_a = dead_s.nonzero()[:AT_MOST, 0]
    generator = torch.Generator().manual_seed(seed + comm.rank * RANK_STRIDE)
    far = FarRows.empty(max(len(dead_a), 1), errors_bd.shape[1], errors_bd.device)
    far.offer(-errors_bd, errors_bd.square().sum(dim=1), generator)
    directions_ad = unit(far.earliest(len(dead_a), comm))
    moved_a = dead_a[: len(directions_ad)]
    length = ENCODER_PART * weights.encoder_sd[~dead_s].norm(dim=1).mean().nan_to_num(1.0)
    weights.decoder_sd[moved_a] = directions_ad
    weights.encoder_sd[moved_a] = length * directions_ad
    weights.encoder_bias_s[moved_a] = 0
    adam.forget(("encoder_sd", "encoder_bias_s", "decoder_sd"), moved_a)
    return moved_a
