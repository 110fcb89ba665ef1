"""What the statistics of a store say to a reader: its distribution, and what is odd about it."""

from __future__ import annotations

from typing import Final

import attrs
import torch
from torch import Tensor

from traits_core.records import FeatureSpec
from traits_core.statistics.moments import Moments
from traits_core.statistics.statistics import Statistics

SCHEMA_VERSION: Final = 1
QUANTILES: Final = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
OUTLIER: Final = 10.0
"""An outlier dimension has |mean| or std above this many times the median root mean square."""
SINK: Final = 5.0
"""A sink is a position whose mean norm is above this many times the median position's."""


@attrs.frozen(kw_only=True)
class OutlierDimension:
    """A dimension far larger than the others; `ratio` is to their median root mean square."""

    dimension: int
    mean: float
    std: float
    ratio: float


@attrs.frozen(kw_only=True)
class SinkPosition:
    """A position whose rows are far longer than the others'; `ratio` is to the median position."""

    position: int
    mean_norm: float
    ratio: float


@attrs.frozen(kw_only=True)
class Summary:
    """The feature-statistics schema: what `traits stats --json` prints of one array.

    Parameters
    ----------
    store, array, dataset, split, feature: what it is of; `store` is a digest
    rows, positions, d_model: rows in all, rows per example, values per row
    statistics: digest, which scorers record that were normalised with these
    mean, std, min, max: per dimension; std is divided by the number of rows
    norm_quantiles: quantile and length of row, ascending
    norm_error: most that a quantile is off by, relative to itself; 0 up to 65,536 rows
    position_norms: mean length of row per position
    constant_dimensions: those with one value in all rows
    outlier_dimensions, sink_positions: largest first
    zero_rows: rows whose values are all zero
    duplicate_rows: rows that equal an earlier one, bit for bit
    duplicates_exact: False when there are more than 2^20 different rows, and it is an estimate
    most_repeated: how often the most frequent row occurs
    effective_dimensions: (sum of eigenvalues)^2 / sum of their squares, of the covariance; None
        when that was not collected
    """

    schema: int = SCHEMA_VERSION
    store: str
    array: str
    dataset: str
    split: str
    feature: FeatureSpec
    rows: int
    positions: int
    d_model: int
    statistics: str
    norm_quantiles: tuple[tuple[float, float], ...]
    norm_error: float
    zero_rows: int
    duplicate_rows: int
    duplicates_exact: bool
    most_repeated: int
    constant_dimensions: tuple[int, ...]
    outlier_dimensions: tuple[OutlierDimension, ...]
    sink_positions: tuple[SinkPosition, ...]
    effective_dimensions: float | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    min: tuple[float, ...]
    max: tuple[float, ...]
    position_norms: tuple[float, ...]


def summarize(statistics: Statistics) -> Summary:
    """Apply the rules to the statistics of all rows of an array."""
    subject, moments, norms = statistics.subject, statistics.moments, statistics.norms
    return Summary(
        store=subject.store,
        array=subject.array,
        dataset=subject.dataset,
        split=subject.split,
        feature=subject.feature,
        rows=moments.n,
        positions=subject.positions,
        d_model=len(moments.mean_d),
        statistics=statistics.digest,
        norm_quantiles=tuple((q, norms.quantile(q)) for q in QUANTILES),
        norm_error=norms.relative_error,
        zero_rows=norms.n_zero,
        duplicate_rows=statistics.duplicates.n_duplicates,
        duplicates_exact=statistics.duplicates.level == 0,
        most_repeated=statistics.duplicates.most_repeated,
        constant_dimensions=tuple(moments.constant_d.nonzero()[:, 0].tolist()),
        outlier_dimensions=outlier_dimensions(moments),
        sink_positions=sink_positions(statistics.positions.mean_p),
        effective_dimensions=effective_dimensions(moments),
        mean=tuple(moments.mean_d.tolist()),
        std=tuple(moments.std_d.tolist()),
        min=tuple(moments.min_d.tolist()),
        max=tuple(moments.max_d.tolist()),
        position_norms=tuple(statistics.positions.mean_p.tolist()),
    )


def outlier_dimensions(moments: Moments) -> tuple[OutlierDimension, ...]:
    """Dimensions with |mean| or std above 10 times the median root mean square, largest first.

    The median is over the dimensions that are not always zero.
    """
    mean_d, std_d = moments.mean_d, moments.std_d
    rms_d = (mean_d.square() + std_d.square()).sqrt()
    if not bool(rms_d.any()):
        return ()
    ratio_d = torch.maximum(mean_d.abs(), std_d) / rms_d[rms_d > 0].median()
    return tuple(
        OutlierDimension(dimension=d, mean=float(mean_d[d]), std=float(std_d[d]), ratio=ratio)
        for d, ratio in _above(ratio_d, OUTLIER)
    )


def sink_positions(mean_p: Tensor) -> tuple[SinkPosition, ...]:
    """Positions [P] with a mean norm above 5 times the median position's, largest first."""
    if not bool(mean_p.any()):
        return ()
    ratio_p = mean_p / mean_p[mean_p > 0].median()
    return tuple(
        SinkPosition(position=p, mean_norm=float(mean_p[p]), ratio=ratio)
        for p, ratio in _above(ratio_p, SINK)
    )


def effective_dimensions(moments: Moments) -> float | None:
    """The participation ratio of the covariance's eigenvalues: D when they are equal, 1 for one."""
    covariance_dd = moments.covariance_dd
    if covariance_dd is None:
        return None
    squares = float(covariance_dd.square().sum())
    return float(covariance_dd.trace()) ** 2 / squares if squares else 0.0


def _above(ratio_n: Tensor, limit: float) -> list[tuple[int, float]]:
    found = (ratio_n > limit).nonzero()[:, 0].tolist()
    return sorted(((i, float(ratio_n[i])) for i in found), key=lambda pair: -pair[1])
