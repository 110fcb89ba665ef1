"""Which prototype of one training is which of another: how much the seed matters."""

from __future__ import annotations

import attrs
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.functional import normalize

from traits_core.errors import DataError


@attrs.frozen(eq=False)
class Matching:
    """Pairs of directions, each in at most one pair, whose cosines have the largest sum.

    Parameters
    ----------
    first_j, second_j: indices of the paired directions, int64
    cosines_j: float32; 1 means that both trainings found the same direction
    """

    first_j: Tensor
    second_j: Tensor
    cosines_j: Tensor

    def stable(self, cosine: float = 0.9) -> float:
        """The fraction of pairs that are at least so near."""
        return float((self.cosines_j >= cosine).double().mean())


def match_directions(first_kd: Tensor, second_kd: Tensor) -> Matching:
    """Match the rows of two sets of directions, of the same width and any length, one to one.

    A row of zeros has cosine 0 with all. Time is cubic in K: seconds for thousands. Memory: K x K
    float64, twice. Kuhn, The Hungarian method for the assignment problem, Naval Research Logistics 2
    (1955).

    Raises DataError when the widths differ.
    """
    if first_kd.shape[1] != second_kd.shape[1]:
        raise DataError(
            f"directions of {first_kd.shape[1]} and of {second_kd.shape[1]} dimensions cannot be "
            "matched: use scorers of one layer"
        )
    cosines_kk = (normalize(first_kd.float(), dim=1) @ normalize(second_kd.float(), dim=1).T).cpu()
    first_j, second_j = linear_sum_assignment(cosines_kk.double().numpy(), maximize=True)
    first, second = (torch.from_numpy(index.astype(np.int64)) for index in (first_j, second_j))
    return Matching(first, second, cosines_kk[first, second])
