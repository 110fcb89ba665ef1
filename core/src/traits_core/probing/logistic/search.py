"""All pairs of prototypes and classes, some prototypes at a time; the best of each class are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from traits_core.probing.ap import available_threads
from traits_core.probing.logistic.candidates import Candidates
from traits_core.probing.logistic.config import LogisticConfig
from traits_core.probing.logistic.fitting import candidates_of
from traits_core.probing.logistic.gathering import statistics_of
from traits_core.probing.logistic.points import Points
from traits_core.probing.logistic.statistics import Statistics
from traits_core.protocols import ScoreMatrix

TILE: Final = 64
"""Prototypes that a thread fits at a time."""

BITS: Final = {64: 1, 128: 2, 256: 3, 512: 4, 1024: 5, 2048: 6, 4096: 7}
"""Precision of bins (see `Bins`) by their number."""


def best_candidates(
    scores: ScoreMatrix, labels_nc: NDArray[np.bool_], config: LogisticConfig, keep: int
) -> Candidates:
    """Fit every pair, and return the `keep` best prototypes of each class."""
    statistics = statistics_of(scores, labels_nc, BITS[config.bins], config.batch_rows)
    return best_of(statistics, config, keep)


def best_of(statistics: Statistics, config: LogisticConfig, keep: int) -> Candidates:
    """Fit the pairs of some statistics that are not pruned; keep the best prototypes of each class."""
    wanted_kc = promising(statistics, config.prune)

    def fit(first: int) -> Candidates:
        tile = slice(first, first + TILE)
        some = statistics.some(tile)
        return candidates_of(some, wanted_kc[tile], config.ridge, first).best(keep)

    with ThreadPoolExecutor(available_threads()) as pool:
        parts = list(pool.map(fit, range(0, statistics.bins.n_prototypes, TILE)))
    return Candidates.joined(parts).best(keep)


def promising(statistics: Statistics, prune: int | None) -> NDArray[np.bool_]:
    """All pairs, or those of the `prune` prototypes that correlate most with each class.

    The first Newton step from the prevalence gains half the squared correlation (Rao's score test).
    """
    n_prototypes = statistics.bins.n_prototypes
    if prune is None or prune >= n_prototypes:
        return np.ones(statistics.sums_kc.shape, bool)
    size_kc = np.concatenate(
        [
            np.abs(Points.of(statistics.some(slice(k, k + TILE))).products_kc)
            for k in range(0, n_prototypes, TILE)
        ]
    )
    promising_kc = np.zeros(size_kc.shape, bool)
    ranked_kc = np.argsort(-size_kc, axis=0, kind="stable")[:prune]
    np.put_along_axis(promising_kc, ranked_kc, True, axis=0)
    return promising_kc
