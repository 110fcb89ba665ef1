"""The clusters that each row is learned by, and the sums of rows that centres are made of."""

from __future__ import annotations

import math

import attrs
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from traits_plugin_softcluster.centres import Centres, keep_members_
from traits_plugin_softcluster.posteriors import Posteriors


@attrs.frozen(eq=False)
class Members:
    """The memberships that a batch of rows is learned by.

    Parameters
    ----------
    weights_bj: memberships that were kept, which sum to 1 in each row
    clusters_bj: whose they are, int64
    cosines_b: cosine to the nearest centre
    nearest_b: whose that is
    captured_b: how much of the softmax over all clusters was kept
    soft_maxima_b: T log(mean over k of exp(cosine / T)), the objective: at most `cosines_b`, and
        equal to it as T goes to 0
    """

    weights_bj: Tensor
    clusters_bj: Tensor
    cosines_b: Tensor
    nearest_b: Tensor
    captured_b: Tensor
    soft_maxima_b: Tensor

    @classmethod
    def of(
        cls, rows_bd: Tensor, centres: Centres, n: int, min_membership: float, tile_bk: Tensor
    ) -> Members:
        """Keep the `n` largest memberships of unit rows [B, D] that reach `min_membership`.

        The largest is always kept. Truncated posteriors are those of Neal & Hinton, A view of the
        EM algorithm that justifies incremental, sparse, and other variants (1998). `tile_bk` is
        overwritten; with `n` of K clusters, `weights_bj` lies in it.
        """
        found = Posteriors.of(rows_bd, centres, n, min_membership, tile_bk)
        largest_b, places_b = found.soft_bj.max(dim=1)
        kept_bj = keep_members_(found.soft_bj, min_membership)
        captured_b = kept_bj.sum(dim=1)
        return cls(
            kept_bj.div_(captured_b[:, None]),
            found.clusters_bj,
            (largest_b.log() + found.log_totals_b) * centres.temperature,
            found.clusters_bj.gather(1, places_b[:, None])[:, 0],
            captured_b,
            (found.log_totals_b - math.log(len(centres.centres_kd))) * centres.temperature,
        )

    def entropies(self) -> Tensor:
        """The entropy [B] of the kept memberships in nats; its exp is the effective number of clusters."""
        return -torch.xlogy(self.weights_bj, self.weights_bj).sum(dim=1)


@attrs.frozen(eq=False)
class BatchSums:
    """What the rows of one batch add to each cluster.

    Parameters
    ----------
    sums_kd: sum of unit rows times membership, float32
    masses_k: sum of memberships, float32
    """

    sums_kd: Tensor
    masses_k: Tensor

    @classmethod
    def zeros(cls, n_clusters: int, d_model: int, device: torch.device) -> BatchSums:
        """The sums of no rows."""
        return cls(
            torch.zeros(n_clusters, d_model, device=device, dtype=torch.float32),
            torch.zeros(n_clusters, device=device, dtype=torch.float32),
        )

    def add_dense(self, rows_bd: Tensor, weights_bk: Tensor) -> None:
        """Add rows with a membership in every cluster."""
        self.sums_kd.addmm_(weights_bk.T, rows_bd)
        self.masses_k.add_(weights_bk.sum(dim=0))

    def add_sparse(self, rows_bd: Tensor, weights_bm: Tensor, clusters_bm: Tensor) -> None:
        """Add rows with few memberships each: one weighted bag of rows per cluster.

        Memory: at most 40 bytes for each of the B x m memberships.
        """
        rows_e, places_e = weights_bm.nonzero(as_tuple=True)
        clusters_e, order_e = clusters_bm[rows_e, places_e].sort(stable=True)
        weights_e = weights_bm[rows_e, places_e][order_e]
        counts_k = torch.bincount(clusters_e, minlength=len(self.masses_k))
        self.sums_kd.add_(
            embedding_bag(
                rows_e[order_e],
                rows_bd,
                counts_k.cumsum(0) - counts_k,
                mode="sum",
                per_sample_weights=weights_e,
            )
        )
        self.masses_k.index_add_(0, clusters_e, weights_e)
