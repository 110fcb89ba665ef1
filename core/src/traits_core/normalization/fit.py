"""From the statistics of the training rows to the map that normalises them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from traits_core.errors import DataError
from traits_core.normalization.maps import Projection, Scaling, UnitNorm
from traits_core.normalization.normalizer import Normalizer, NormalizerFacts
from traits_core.statistics.moments import Moments
from traits_core.statistics.statistics import Statistics

StatisticsSource = Callable[[bool], Statistics]
"""Gives the statistics of the training rows; told whether their covariance is needed."""


def fit(kind: str, d_model: int, epsilon: float, statistics: StatisticsSource) -> Normalizer:
    """Fit a normaliser of one of the kinds of `normalizer.MAPS`.

    - `center`: x - mean
    - `standardize`: (x - mean) / std; constant dimensions are only centred
    - `unit-norm`: x / |x|; needs no statistics
    - `pca`: (x - mean) U (L + e)^(-1/2), the components of largest variance first
    - `zca`: (x - mean) U (L + e)^(-1/2) U^T, the whitening nearest to the identity

    C = U L U^T is the covariance and e is `epsilon` times the mean variance tr(C) / D: components
    with less variance than e are not blown up to that of the others.

    Kessy, Lewin & Strimmer, Optimal whitening and decorrelation, Am. Stat. 72 (2018).

    Raises DataError when whitening finds no variance at all.
    """
    if kind == "unit-norm":
        return Normalizer(NormalizerFacts(kind=kind, d_model=d_model), UnitNorm())
    whitening = kind in ("zca", "pca")
    measured = statistics(whitening)
    facts = NormalizerFacts(
        kind=kind,
        d_model=d_model,
        epsilon=epsilon if whitening else None,
        statistics=measured.digest,
    )
    moments = measured.moments
    if whitening:
        matrix_de = _whitening(moments, epsilon, rotate_back=kind == "zca")
        return Normalizer(facts, Projection(shift_d=moments.mean_d, matrix_de=matrix_de.float()))
    std_d = moments.std_d
    scale_d = torch.ones_like(std_d) if kind == "center" else torch.where(std_d > 0, 1 / std_d, 1)
    return Normalizer(facts, Scaling(shift_d=moments.mean_d, scale_d=scale_d.float()))


def _whitening(moments: Moments, epsilon: float, rotate_back: bool) -> Tensor:
    """The whitening matrix [D, E], float64; each component's largest entry is positive."""
    covariance_dd = moments.covariance_dd
    assert covariance_dd is not None
    variance = float(covariance_dd.trace()) / len(covariance_dd)
    if variance == 0:
        raise DataError(
            "whitening needs activations that differ, and all training rows are the same: "
            "use --normalize none or unit-norm"
        )
    ascending_e, vectors_de = torch.linalg.eigh(covariance_dd)
    variances_e, vectors_de = ascending_e.flip(0).clamp_min(0), vectors_de.flip(1)
    largest_e = vectors_de.gather(0, vectors_de.abs().argmax(dim=0, keepdim=True))
    vectors_de = vectors_de * largest_e.sign()
    matrix_de: Tensor = vectors_de * (variances_e + epsilon * variance).rsqrt()
    return matrix_de @ vectors_de.T if rotate_back else matrix_de
