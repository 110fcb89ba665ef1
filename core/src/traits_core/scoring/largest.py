"""The largest scores of each row, without ordering all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from torch import Tensor

GROUP: Final = 8
"""Scores that are compared by their maximum first."""


def largest(scores_bk: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The `k` largest scores of each row in falling order, and int64 places: [B, k] both, as `topk`.

    The k largest of a row lie in the k groups whose maxima are largest, so only these are ordered.
    """
    n_rows, n_columns = scores_bk.shape
    n_groups = n_columns // GROUP
    if n_groups < 4 * k:
        values_bj, places_bj = scores_bk.topk(k, dim=1)
        return values_bj, places_bj
    grouped = GROUP * n_groups
    maxima_bg = scores_bk[:, :grouped].unflatten(1, (GROUP, n_groups)).amax(dim=1)
    groups_bj = maxima_bg.topk(k, dim=1, sorted=False).indices
    members_m = torch.arange(0, grouped, n_groups, device=scores_bk.device)
    rest_r = torch.arange(grouped, n_columns, device=scores_bk.device)
    candidates_bc = torch.cat(
        [(groups_bj[:, :, None] + members_m).flatten(1), rest_r.expand(n_rows, -1)], dim=1
    )
    values_bj, chosen_bj = scores_bk.gather(1, candidates_bc).topk(k, dim=1)
    return values_bj, candidates_bc.gather(1, chosen_bj)
