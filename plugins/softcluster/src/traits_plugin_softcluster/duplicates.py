"""Centres that point the same way: what clusters collapse to when the temperature is too high."""

from __future__ import annotations

import torch
from torch import Tensor

COSINE = 0.999


def duplicates(centres_kd: Tensor, tile_bk: Tensor) -> Tensor:
    """Which unit centres [K, D] lie within a cosine of 0.999 of an earlier one: bool [K].

    The cosines go to `tile_bk` [rows, K], as many centres at a time as it has rows.
    """
    found = []
    for start in range(0, len(centres_kd), len(tile_bk)):
        part_bd = centres_kd[start : start + len(tile_bk)]
        close_bk = torch.mm(part_bd, centres_kd.T, out=tile_bk[: len(part_bd)]) > COSINE
        found.append(close_bk.tril_(start - 1).any(dim=1))
    return torch.cat(found)
