"""All pairs of prototypes and classes, a block of prototypes at a time; the best of each class are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from traits_core.probing.ap import available_threads
from traits_core.probing.logistic.candidates import Candidates
from traits_core.probing.logistic.config import LogisticConfig
from traits_core.probing.logistic.tile import fit_tile
from traits_core.protocols import ScoreMatrix

TILE: Final = 32
"""Prototypes that a thread takes at a time."""


def best_candidates(
    scores: ScoreMatrix, labels_nc: NDArray[np.bool_], config: LogisticConfig, keep: int
) -> Candidates:
    """Fit every pair, and return the `keep` best prototypes of each class.

    Memory: a block of scores, and some 100 bytes for each pair of a tile and each that is kept.
    """
    found: list[Candidates] = []
    with ThreadPoolExecutor(available_threads()) as pool:
        for start in range(0, scores.n_prototypes, config.block):
            stop = min(start + config.block, scores.n_prototypes)
            scores_nk = scores.block(start, stop)
            firsts = range(start, stop, TILE)
            tiles = [scores_nk[:, k - start : k - start + TILE] for k in firsts]
            best = pool.map(
                lambda tile_nk, first: fit_tile(tile_nk, labels_nc, config, first).best(keep),
                tiles,
                firsts,
            )
            found = [Candidates.joined([*found, *best]).best(keep)]
    return found[0]
