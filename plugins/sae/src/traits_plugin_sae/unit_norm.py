"""Decoder rows of length 1: their gradients have no part along them, and steps are undone along it."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

BLOCK: Final = 256  # rows whose products stay in the cache: `vecdot` writes them all before it sums


def project_(gradients_sd: Tensor, decoder_sd: Tensor) -> None:
    """Take the part along each decoder row out of its gradient, in place."""
    blocks = zip(torch.split(gradients_sd, BLOCK), torch.split(decoder_sd, BLOCK), strict=True)
    for gradients_rd, decoder_rd in blocks:
        along_r = torch.linalg.vecdot(gradients_rd, decoder_rd)
        gradients_rd.addcmul_(decoder_rd, along_r[:, None], value=-1)


def normalize_(decoder_sd: Tensor) -> None:
    """Give each decoder row length 1 again, in place."""
    decoder_sd.div_(torch.linalg.vector_norm(decoder_sd, dim=1, keepdim=True).clamp_(min=1e-12))
