"""What a fit sees of the scores of a prototype: weighted points on its standardised axis."""

from __future__ import annotations

from typing import Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.logistic.statistics import Statistics


@attrs.frozen(kw_only=True, eq=False)
class Points:
    """Each bin with scores becomes two points that share its mean and variance.

    So the likelihood is that of a logistic regression on weighted points, convex and with exact
    derivatives; it differs from that of the scores in the third order of the width of a bin.

    Parameters
    ----------
    z_kq: float64; standardised scores, mean 0 and variance 1 under the weights
    weights_kq: float64; share of the rows; points that a prototype does not need weigh nothing
    mean_k, sd_k: of the scores; the deviation of constant scores is 0, and so are their z
    means_c: share of the rows that have the class
    products_kc: mean of z over all rows, counted where the row has the class
    n_rows: rows in all
    """

    z_kq: NDArray[np.float64]
    weights_kq: NDArray[np.float64]
    mean_k: NDArray[np.float64]
    sd_k: NDArray[np.float64]
    means_c: NDArray[np.float64]
    products_kc: NDArray[np.float64]
    n_rows: int

    @classmethod
    def of(cls, statistics: Statistics) -> Self:
        """Turn sums into points."""
        bins, n_rows = statistics.bins, statistics.n_rows
        count_kq, mean_kq, variance_kq = _occupied(statistics.complete_mkq())
        weights_kq = count_kq / n_rows
        mean_u_k = np.sum(weights_kq * mean_kq, axis=1)
        centred_kq = mean_kq - mean_u_k[:, None]
        variance_k = np.sum(weights_kq * (centred_kq**2 + variance_kq), axis=1)
        varies_k = bins.high_k > bins.low_k
        sd_u_k = np.sqrt(np.where(varies_k, variance_k, 0.0))
        per_sd_k = np.divide(1.0, sd_u_k, out=np.zeros_like(sd_u_k), where=sd_u_k > 0)
        z_kq, spread_kq = centred_kq * per_sd_k[:, None], np.sqrt(variance_kq) * per_sd_k[:, None]
        scale_k = bins.scale_k.astype(np.float64)
        mean_k = bins.centre_k + mean_u_k * scale_k
        means_c = statistics.positives_c / n_rows
        centred_kc = statistics.sums_kc / n_rows - mean_k[:, None] * means_c
        return cls(
            z_kq=np.concatenate([z_kq - spread_kq, z_kq + spread_kq], axis=1),
            weights_kq=np.tile(weights_kq / 2, 2),
            mean_k=mean_k,
            sd_k=sd_u_k * scale_k,
            means_c=means_c,
            products_kc=centred_kc * (per_sd_k / scale_k)[:, None],
            n_rows=n_rows,
        )


def _occupied(
    moments_mkq: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Count, mean and variance of the bins that hold scores, as many columns as any prototype needs."""
    empty_kq = moments_mkq[0] == 0
    columns_kq = np.argsort(empty_kq, axis=1, kind="stable")[:, : (~empty_kq).sum(axis=1).max()]
    count_kq, first_kq, second_kq = np.take_along_axis(moments_mkq, columns_kq[None], axis=2)
    per_score_kq = 1 / np.maximum(count_kq, 1)
    mean_kq = first_kq * per_score_kq
    return count_kq, mean_kq, np.maximum(second_kq * per_score_kq - mean_kq**2, 0.0)
