"""The largest scores of each row, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from traits_core.learning.largest import by_all_threads, by_one_thread, largest_per_row

if TYPE_CHECKING:
    from torch import Tensor

PIECE: Final = 1 << 18
"""Scores that stay in a core's cache while they are looked at."""


def largest(scores_bk: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The `k` largest scores of each row in falling order, and int64 places: [B, k] both, as `topk`."""
    select = by_one_thread if scores_bk.device.type == "cpu" else by_all_threads
    parts = torch.split(scores_bk.detach(), max(1, PIECE // scores_bk.shape[1]))
    found = [largest_per_row(part_bk, k, select) for part_bk in parts]
    values_bk = torch.cat([values for values, _ in found])
    values_bk, order_bk = values_bk.sort(dim=1, descending=True)
    return values_bk, torch.cat([places for _, places in found]).gather(1, order_bk)
