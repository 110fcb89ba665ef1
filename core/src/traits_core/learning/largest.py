"""The largest values of each row, for less than a sort or a heap of all of them."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

GROUP: Final = 8  # columns that are compared by their maximum first


def largest_per_row(values_bk: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The `n` largest of each row [B, n], in no order, and their columns (int64), as `topk` finds them.

    The n largest lie in the n groups of columns with the largest maxima, which are found likewise.
    """
    n_rows, n_columns = values_bk.shape
    n_groups = n_columns // GROUP
    if n_columns % GROUP or n_groups < 4 * n:
        top = values_bk.topk(n, dim=1, sorted=False)
        return top.values, top.indices
    # A group is every n_groups-th column: so their maxima are taken along whole cache lines.
    _, groups_bn = largest_per_row(values_bk.view(n_rows, GROUP, n_groups).amax(dim=1), n)
    members_m = torch.arange(0, n_columns, n_groups, device=values_bk.device)
    columns_bj = (groups_bn[:, :, None] + members_m).flatten(1)
    top = values_bk.gather(1, columns_bj).topk(n, dim=1, sorted=False)
    return top.values, columns_bj.gather(1, top.indices)
