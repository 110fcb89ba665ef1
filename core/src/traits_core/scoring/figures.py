"""What any scorer can be compared by without labels: speed, sparsity, reconstruction, clusters."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import attrs
import torch
from torch import Tensor

from traits_core.normalization.scorer import NormalizedScorer
from traits_core.protocols import ReconstructingScorer, SparseScorer
from traits_core.scoring.cluster_quality import ClusterQuality, cluster_quality
from traits_core.scoring.materialize import TILE
from traits_core.scoring.reconstruction import Reconstruction, ReconstructionSums
from traits_core.scoring.saved import LoadedScorer

BATCH: Final = 2048


@attrs.frozen(kw_only=True)
class Figures:
    """A scorer on some activations, which are taken and reconstructed in their own units.

    Parameters
    ----------
    rows: how many activations
    rows_per_second: all scores of batches of 2,048 activations, or of fewer where these are too many
    l0: mean number of prototypes that the scorer keeps of a row; None when it is not sparse
    reconstruction: None when the scorer has none
    clusters: each row in the cluster of its highest score; None when all are in one
    """

    rows: int
    rows_per_second: float
    l0: float | None
    reconstruction: Reconstruction | None
    clusters: ClusterQuality | None


@torch.no_grad()
def figures(scorer: LoadedScorer, acts_nd: Tensor) -> Figures:
    """Measure `scorer` on activations [N, D], which are on its device.

    Memory: a batch of activations and all of its scores.
    """
    batches = torch.split(acts_nd, max(1, min(BATCH, TILE // scorer.n_prototypes)))
    reconstruct = _reconstruct(scorer)
    sums = ReconstructionSums(acts_nd[0])
    if reconstruct:
        for acts_bd in batches:
            sums.add(acts_bd, reconstruct(acts_bd))
    return Figures(
        rows=len(acts_nd),
        rows_per_second=len(acts_nd) / _seconds(scorer, batches),
        l0=_kept(scorer, batches) / len(acts_nd) if isinstance(scorer, SparseScorer) else None,
        reconstruction=sums.measured() if reconstruct else None,
        clusters=_clusters(scorer, batches),
    )


def _kept(scorer: SparseScorer, batches: tuple[Tensor, ...]) -> int:
    return sum(int((scorer.sparse(acts_bd)[0] != 0).sum()) for acts_bd in batches)


def _clusters(scorer: LoadedScorer, batches: tuple[Tensor, ...]) -> ClusterQuality | None:
    labels_n = torch.cat([scorer(acts_bd).argmax(dim=1) for acts_bd in batches])
    if (labels_n == labels_n[0]).all():
        return None
    return cluster_quality(torch.cat(batches), labels_n)


def _reconstruct(scorer: LoadedScorer) -> Callable[[Tensor], Tensor] | None:
    """The scorer's `reconstruct` of raw activations, where it has one."""
    if isinstance(scorer, NormalizedScorer):
        inner, normalizer = scorer.scorer, scorer.normalizer
        if not isinstance(inner, ReconstructingScorer):
            return None
        inverse = normalizer.map.inverse()
        return lambda acts_bd: inverse(inner.reconstruct(normalizer(acts_bd)), acts_bd)
    return scorer.reconstruct if isinstance(scorer, ReconstructingScorer) else None


def _seconds(scorer: LoadedScorer, batches: tuple[Tensor, ...]) -> float:
    """What scoring all batches takes, after a first one as a warm-up."""
    _finish(scorer(batches[0]))
    began = time.perf_counter()
    for acts_bd in batches:
        scores_bk = scorer(acts_bd)
    _finish(scores_bk)
    return max(time.perf_counter() - began, 1e-9)


def _finish(scores_bk: Tensor) -> None:
    """Wait until a GPU has computed them."""
    if scores_bk.is_cuda:
        torch.cuda.synchronize(scores_bk.device)
