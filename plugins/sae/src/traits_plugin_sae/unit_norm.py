"""Decoder rows of length 1: their gradients have no part along them, and steps are undone along it."""

from __future__ import annotations

import torch
from torch import Tensor


def project_(gradients_sd: Tensor, decoder_sd: Tensor) -> None:
    """Take the part along each decoder row out of its gradient, in place."""
    along_s = torch.linalg.vecdot(gradients_sd, decoder_sd)
    gradients_sd.addcmul_(decoder_sd, along_s[:, None], value=-1)


def normalize_(decoder_sd: Tensor) -> None:
    """Give each decoder row length 1 again, in place."""
    decoder_sd.div_(torch.linalg.vector_norm(decoder_sd, dim=1, keepdim=True).clamp_(min=1e-12))
