"""The largest scores of each row, without ordering all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

GROUP: Final = 8
"""Scores that are compared by their maximum first."""
PIECE: Final = 1 << 18
"""Scores that stay in a core's cache while they are looked at."""


def largest(scores_bk: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The `k` largest scores of each row in falling order, and int64 places: [B, k] both, as `topk`.

    On a CPU groups of columns are compared first: the k largest of a row lie in the k groups whose
    maxima are largest, so only these are looked into.
    """
    n_columns = scores_bk.shape[1]
    if scores_bk.device.type != "cpu" or n_columns < 4 * k * GROUP:
        values_bk, places_bk = scores_bk.topk(k, dim=1)
        return values_bk, places_bk
    parts = torch.split(scores_bk.detach(), max(1, PIECE // n_columns))
    found = [_largest(part_bk, k) for part_bk in parts]
    return torch.cat([values for values, _ in found]), torch.cat([places for _, places in found])


def _largest(scores_bk: Tensor, k: int) -> tuple[Tensor, Tensor]:
    n_rows, n_columns = scores_bk.shape
    n_groups = n_columns // GROUP
    grouped = n_groups * GROUP
    groups_bj = _places(scores_bk[:, :grouped].view(n_rows, GROUP, n_groups).amax(dim=1), k)
    members_bc = (groups_bj[:, :, None] + torch.arange(0, grouped, n_groups)).flatten(1)
    rest_r = torch.arange(grouped, n_columns)
    columns_bc = torch.cat([members_bc, rest_r.expand(n_rows, -1)], dim=1)
    candidates_bc = scores_bk.gather(1, columns_bc)
    chosen_bk = _places(candidates_bc, k)
    values_bk, order_bk = candidates_bc.gather(1, chosen_bk).sort(dim=1, descending=True)
    return values_bk, columns_bc.gather(1, chosen_bk).gather(1, order_bk)


def _places(scores_bk: Tensor, k: int) -> Tensor:
    """Where the `k` largest of each row are, in any order: numpy's selection is faster than torch's."""
    return torch.from_numpy(np.argpartition(scores_bk.numpy(), -k, axis=1)[:, -k:])
