"""The start: the best of several seedings, settled by a few steps of Lloyd on the sample."""

from __future__ import annotations

from typing import Final

import attrs
import torch
from torch import Tensor

from traits_core import greedy_kmeans_plus_plus
from traits_plugin_kmeans.codebook import Codebook, score_tile
from traits_plugin_kmeans.config import KMeansConfig
from traits_plugin_kmeans.frame import Frame
from traits_plugin_kmeans.weights import tiles

HELD_OUT: Final = 8  # one row in so many judges the seedings
TRIAL_STEPS: Final = 1  # of Lloyd, before seedings are compared
SETTLING_STEPS: Final = 6  # of Lloyd, for the best of them
TIE: Final = 1e-7  # seedings that differ by rounding are equal


@attrs.frozen(eq=False)
class Start:
    """Centroids, the weight [K] of the rows of the sample that each had, and the length of its longest row."""

    codebook: Codebook
    counts_k: Tensor
    reach: Tensor


def find_start(
    rows_nd: Tensor,
    weights_n: Tensor,
    config: KMeansConfig,
    frame: Frame,
    generator: torch.Generator,
) -> Start:
    """Seed `n_init` times on rows [N, D] of the frame, keep the best on held-out rows, settle it.

    Products are rough: mini-batch epochs or exact passes follow. Memory: a tile, and K x D in float64.
    """
    reach = rows_nd.square().sum(dim=1).max().sqrt()
    held = len(rows_nd) // HELD_OUT

    def seeded(given_nd: Tensor, given_n: Tensor) -> Tensor:
        return greedy_kmeans_plus_plus(
            given_nd, config.n_clusters, config.candidates, generator, given_n
        )

    if config.n_init == 1 or len(rows_nd) - held < config.n_clusters:
        best_kd = seeded(rows_nd, weights_n)
    else:
        given = rows_nd[held:], weights_n[held:]
        tried = [lloyd(seeded(*given), *given, frame, TRIAL_STEPS)[0] for _ in range(config.n_init)]
        best_kd = _best(tried, rows_nd[:held], weights_n[:held])
    return Start(*lloyd(best_kd, rows_nd, weights_n, frame, SETTLING_STEPS), reach)


def lloyd(
    centroids_kd: Tensor, rows_nd: Tensor, weights_n: Tensor, frame: Frame, steps: int
) -> tuple[Codebook, Tensor]:
    """Centroids [K, D] after exact steps on rows [N, D], and the weight [K] that each had in the last."""
    n_clusters = len(centroids_kd)
    tile_bk = score_tile(n_clusters, rows_nd.device)
    codebook = Codebook.suited_to(centroids_kd, rows_nd[: len(tile_bk)], tile_bk)
    counts_k = weights_n.new_zeros(n_clusters)
    for _ in range(steps):
        sums_kd = torch.zeros_like(centroids_kd)
        counts_k.zero_()
        for part_bd, part_b in tiles(rows_nd, weights_n, len(tile_bk)):
            labels_b = codebook.roughly_nearest(part_bd, tile_bk).labels_b
            sums_kd.index_add_(0, labels_b, part_bd * part_b.float()[:, None])
            counts_k += torch.bincount(labels_b, part_b, n_clusters)
        means_kd = frame.centroids((sums_kd / counts_k[:, None]).float())
        codebook = codebook.moved_to(
            torch.where(counts_k[:, None] > 0, means_kd, codebook.centroids_kd)
        )
    return codebook, counts_k


def _best(starts: list[Codebook], held_nd: Tensor, weights_n: Tensor) -> Tensor:
    """The centroids with the least inertia on held-out rows, the first of equals."""
    tile_bk = score_tile(len(starts[0].centroids_kd), held_nd.device)

    def inertia(codebook: Codebook) -> float:
        return sum(
            float(codebook.roughly_nearest(part_bd, tile_bk).distances_b.double() @ part_b)
            for part_bd, part_b in tiles(held_nd, weights_n, len(tile_bk))
        )

    best, least = starts[0], inertia(starts[0])
    for codebook in starts[1:]:
        if (value := inertia(codebook)) < (1 - TIE) * least:
            best, least = codebook, value
    return best.centroids_kd
