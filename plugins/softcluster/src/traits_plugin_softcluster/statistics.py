"""What the clusters of a scorer are like: how large, how dense, how mixed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs
import torch
from torch import Tensor

from traits_plugin_softcluster.directions import directions
from traits_plugin_softcluster.scorer import SoftClusterScorer

TIGHTEST: Final = 1e-12  # 1 - R^2 of rows that all equal their centre


@attrs.frozen(eq=False)
class ClusterStatistics:
    """Sums over rows, float64 [K], and what follows from them; they add up over rows.

    Rows are counted for the cluster with their largest membership. A cluster without rows has size,
    entropy, cosine and density 0: mask it by `live_k`.

    Parameters
    ----------
    sizes_k: rows of each cluster
    masses_k: sum of all memberships
    entropies_k: sum of the entropies, in nats, of its rows
    cosines_k: sum of the cosines of its rows to the centre
    d_model: dimensions of the rows
    """

    sizes_k: Tensor
    masses_k: Tensor
    entropies_k: Tensor
    cosines_k: Tensor
    d_model: int

    @classmethod
    def of(cls, scorer: SoftClusterScorer) -> ClusterStatistics:
        """The statistics of no rows."""
        centres_kd = scorer.centres.centres_kd
        n_clusters, d_model = centres_kd.shape
        sums_4k = torch.zeros(4, n_clusters, dtype=torch.float64, device=centres_kd.device)
        sizes_k, masses_k, entropies_k, cosines_k = sums_4k
        return cls(sizes_k, masses_k, entropies_k, cosines_k, d_model)

    @torch.no_grad()
    def add(
        self, scorer: SoftClusterScorer, acts_bd: Tensor, values_bj: Tensor, clusters_bj: Tensor
    ) -> None:
        """Add rows with what `scorer.sparse` says of them; rows without memberships are left out."""
        rows_bd, directed_b = directions(acts_bd, scorer.shift_d)
        nearest_b = clusters_bj[directed_b, 0]
        values_nj = values_bj[directed_b].double()
        cosines_n = scorer.centres.cosines(rows_bd[directed_b], nearest_b).double()
        self.sizes_k.index_add_(0, nearest_b, torch.ones_like(cosines_n))
        self.masses_k.index_add_(0, clusters_bj[directed_b].flatten(), values_nj.flatten())
        self.entropies_k.index_add_(0, nearest_b, -torch.xlogy(values_nj, values_nj).sum(dim=1))
        self.cosines_k.index_add_(0, nearest_b, cosines_n)

    @property
    def live_k(self) -> Tensor:
        """Which clusters have rows."""
        return self.sizes_k > 0

    @property
    def mean_entropy_k(self) -> Tensor:
        """Mean entropy, in nats, of the memberships of its rows: how mixed with others it is."""
        return self.entropies_k / self.sizes_k.clamp(min=1)

    @property
    def mean_cosine_k(self) -> Tensor:
        """Mean cosine of its rows to the centre."""
        return self.cosines_k / self.sizes_k.clamp(min=1)

    @property
    def density_k(self) -> Tensor:
        """The concentration kappa of a von Mises-Fisher distribution with this mean cosine R.

        R (D - R^2) / (1 - R^2): Banerjee et al., Clustering on the unit hypersphere using von
        Mises-Fisher distributions, JMLR 6 (2005), equation 4.4.
        """
        mean_k = self.mean_cosine_k.clamp(min=0)
        squares_k = mean_k.square()
        return mean_k * (self.d_model - squares_k) / (1 - squares_k).clamp(min=TIGHTEST)


def analyze(scorer: SoftClusterScorer, batches: Iterable[Tensor]) -> ClusterStatistics:
    """The statistics of all rows of `batches` [B, D], in one pass; memory: that of one batch."""
    statistics = ClusterStatistics.of(scorer)
    for acts_bd in batches:
        statistics.add(scorer, acts_bd, *scorer.sparse(acts_bd))
    return statistics
