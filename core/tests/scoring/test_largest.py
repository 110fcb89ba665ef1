"""The fast selection against torch's: on random, tied, infinite and not-a-number scores."""

import pytest
import torch

from traits_core.learning.largest import GROUP
from traits_core.scoring.largest import largest

FILLS = {
    "random": lambda shape, g: torch.randn(shape, generator=g),
    "tied": lambda shape, g: torch.randint(-2, 3, shape, generator=g).float(),
    "constant": lambda shape, g: torch.zeros(shape),
    "falling": lambda shape, g: -torch.arange(shape[0] * shape[1]).float().view(shape),
    "mostly -inf": lambda shape, g: torch.randn(shape, generator=g).where(
        torch.rand(shape, generator=g) < 0.02, torch.tensor(-torch.inf)
    ),
    "some NaN": lambda shape, g: torch.randn(shape, generator=g).where(
        torch.rand(shape, generator=g) < 0.99, torch.tensor(torch.nan)
    ),
}


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("k", [1, 3, 16])
@pytest.mark.parametrize("columns", [16, 4 * 16 * GROUP, 4 * 16 * GROUP + 5])
def test_the_largest_are_those_of_topk_and_stand_where_they_are_said_to(fill, k, columns):
    scores_bk = FILLS[fill]((9, columns), torch.Generator().manual_seed(k))
    values_bj, places_bj = largest(scores_bk, k)
    torch.testing.assert_close(values_bj, scores_bk.topk(k, dim=1).values, equal_nan=True)
    torch.testing.assert_close(scores_bk.gather(1, places_bj), values_bj, equal_nan=True)
    assert all(len(set(row)) == k for row in places_bj.tolist())
    assert places_bj.dtype == torch.int64


def test_scores_behind_the_last_whole_group_are_found():
    scores_bk = torch.arange(4 * GROUP + 3.0)[None]
    assert largest(scores_bk, 1)[1].tolist() == [[4 * GROUP + 2]]
