"""Is the temperature so high that clusters cannot tell rows apart? And which would not be?"""

from __future__ import annotations

import warnings
from typing import Final

import attrs
import torch
from torch import Tensor

from traits_plugin_softcluster.config import SoftClusterConfig

COLDEST: Final = 1e-4
BISECTIONS: Final = 24
TOLERATED: Final = 0.01  # fraction of rows that may have no membership of the least that counts


@attrs.frozen
class Softness:
    """How soft the memberships of some rows are at one temperature.

    Parameters
    ----------
    lost: fraction of rows without any membership that reaches `min_membership`
    effective: clusters per row: mean exp of the entropy
    """

    lost: float
    effective: float

    @classmethod
    def of(cls, cosines_nk: Tensor, temperature: float, min_membership: float) -> Softness:
        """Measure the softmax of `cosines_nk` / `temperature`."""
        soft_nk = torch.softmax(cosines_nk / temperature, dim=1)
        entropies_n = -torch.xlogy(soft_nk, soft_nk).sum(dim=1)
        return cls(
            float((soft_nk.amax(dim=1) < min_membership).double().mean()),
            float(entropies_n.double().exp().mean()),
        )


def softest_temperature(cosines_nk: Tensor, members: int, min_membership: float) -> float:
    """The highest temperature at which rows have a quarter of `members` effective clusters.

    At least 1.5 are allowed, and at most 1 % of the rows may lie wholly below `min_membership`.
    Both grow with the temperature, so it is found by bisection of its logarithm.
    """
    allowed = max(1.5, members / 4)
    low, high = COLDEST, 10.0
    for _ in range(BISECTIONS):
        middle = (low * high) ** 0.5
        softness = Softness.of(cosines_nk, middle, min_membership)
        if softness.effective <= allowed and softness.lost <= TOLERATED:
            low = middle
        else:
            high = middle
    return low


def warn_if_too_soft(rows_nd: Tensor, centres_kd: Tensor, config: SoftClusterConfig) -> None:
    """Warn when `config.temperature` leaves the unit rows [N, D] without clusters of their own.

    That is: memberships below `min_membership` throughout, or nearly the same for all clusters. At
    most 512 rows are looked at.
    """
    n_clusters = len(centres_kd)
    if n_clusters == 1:
        return
    n_rows = max(64, min(512, (1 << 22) // n_clusters))
    cosines_nk = rows_nd[:n_rows] @ centres_kd.T
    softness = Softness.of(cosines_nk, config.temperature, config.min_membership)
    if softness.lost <= TOLERATED and softness.effective <= 0.9 * n_clusters:
        return
    better = softest_temperature(cosines_nk, config.members, config.min_membership)
    warnings.warn(
        f"temperature {config.temperature:g} is too high for {n_clusters} clusters: rows belong to "
        f"{softness.effective:.0f} of them on average, and {softness.lost:.0%} have no membership of "
        f"min_membership ({config.min_membership:g}), so that only their largest is kept; "
        f"set temperature to {better:.1g}",
        stacklevel=2,
    )
