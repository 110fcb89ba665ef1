"""The largest values of each row, for less than a sort or a heap of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import Tensor

GROUP: Final = 8  # columns that are compared by their maximum first

Select = Callable[[Tensor, int], Tensor]
"""Where the n largest of each row are, int64 [B, n] in any order."""


def by_all_threads(values_bk: Tensor, n: int) -> Tensor:
    """torch's selection: fastest where a call has all threads, or a GPU."""
    return values_bk.topk(n, dim=1, sorted=False).indices


def by_one_thread(values_bk: Tensor, n: int) -> Tensor:
    """numpy's selection, on a CPU: fastest where each thread has rows of its own."""
    return torch.from_numpy(np.argpartition(values_bk.numpy(), -n, axis=1)[:, -n:])


def largest_per_row(
    values_bk: Tensor, n: int, select: Select = by_all_threads
) -> tuple[Tensor, Tensor]:
    """The `n` largest of each row [B, n], in no order, and their columns (int64), as `topk` finds them.

    The n largest lie in the n groups of columns with the largest maxima, which are found likewise.
    """
    n_rows, n_columns = values_bk.shape
    n_groups = n_columns // GROUP
    if n_groups < 4 * n:
        columns_bn = select(values_bk, n)
        return values_bk.gather(1, columns_bn), columns_bn
    # A group is every n_groups-th column: so their maxima are taken along whole cache lines.
    grouped, device = GROUP * n_groups, values_bk.device
    maxima_bg = values_bk[:, :grouped].reshape(n_rows, GROUP, n_groups).amax(dim=1)
    _, groups_bn = largest_per_row(maxima_bg, n, select)
    members_m = torch.arange(0, grouped, n_groups, device=device)
    rest_r = torch.arange(grouped, n_columns, device=device)  # columns that are in no group
    columns_bj = torch.cat(
        [(groups_bn[:, :, None] + members_m).flatten(1), rest_r.expand(n_rows, -1)], dim=1
    )
    candidates_bj = values_bk.gather(1, columns_bj)
    chosen_bn = select(candidates_bj, n)
    return candidates_bj.gather(1, chosen_bn), columns_bj.gather(1, chosen_bn)
