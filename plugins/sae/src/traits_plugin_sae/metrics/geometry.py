"""What the decoder alone says: lengths of its directions, and how alike they are."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import normalize

BLOCK: Final = 1024


@torch.no_grad()
def coherence(decoder_sd: Tensor) -> float:
    """The largest |cosine| of two different rows of the decoder [S, D]: 1 when one is there twice.

    Rows of zeros are like none; of a single row it is 0. Memory: BLOCK x S.
    """
    unit_sd = normalize(decoder_sd.float(), dim=1)
    largest = 0.0
    for start in range(0, len(unit_sd), BLOCK):
        # Pairs of earlier blocks have been seen from the other side.
        cosines_bs = unit_sd[start : start + BLOCK] @ unit_sd[start:].T
        cosines_bs.abs_().fill_diagonal_(0)
        largest = max(largest, float(cosines_bs.max()))
    return min(largest, 1.0)


@torch.no_grad()
def mean_norm(decoder_sd: Tensor) -> float:
    """The mean length of the rows of the decoder [S, D]."""
    return float(decoder_sd.norm(dim=1).double().mean())


@torch.no_grad()
def mean_max_cosine(features_kd: Tensor, decoder_sd: Tensor) -> float:
    """How well known features are found: the mean, over them, of the largest cosine to a decoder row.

    Sharkey, Braun & Millidge, Taking features out of superposition with sparse autoencoders (2022).
    Memory: BLOCK x S.
    """
    unit_sd = normalize(decoder_sd.float(), dim=1)
    best_k = torch.cat(
        [
            (unit_bd @ unit_sd.T).amax(dim=1)
            for unit_bd in torch.split(normalize(features_kd.float(), dim=1), BLOCK)
        ]
    )
    return float(best_k.double().mean())
