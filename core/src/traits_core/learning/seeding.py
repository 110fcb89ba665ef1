"""Where clusters start: greedy k-means++ on a sample."""

from __future__ import annotations

import torch
from torch import Tensor


def greedy_kmeans_plus_plus(
    rows_nd: Tensor, n_clusters: int, n_candidates: int, generator: torch.Generator
) -> Tensor:
    """Choose `n_clusters` of the float32 rows [N, D] as the first centres [K, D].

    Each step draws `n_candidates` rows with probability proportional to their squared distance to
    the rows chosen so far, and keeps the one that lowers the sum of these distances most. With
    fewer distinct rows than clusters the rest are duplicates. Memory: N x (`n_candidates` + 2).

    Arthur & Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007 (section 6.1
    suggests the greedy steps). Of unit rows, squared distances are 2 (1 - cosine).
    """
    n_rows = len(rows_nd)
    norms_n = rows_nd.square().sum(dim=1)
    draws_kc = torch.rand(
        n_clusters, n_candidates, dtype=torch.float64, generator=generator, device=generator.device
    ).to(rows_nd.device)

    def distances(picks_c: Tensor) -> Tensor:
        crossed_nc = rows_nd @ rows_nd[picks_c].T
        return (norms_n[:, None] + norms_n[picks_c] - 2 * crossed_nc).clamp_(min=0)

    chosen_k = torch.empty(n_clusters, dtype=torch.int64, device=rows_nd.device)
    chosen_k[0] = (draws_kc[0, 0] * n_rows).long()
    closest_n = distances(chosen_k[:1])[:, 0]
    closest_n[chosen_k[0]] = 0
    for k in range(1, n_clusters):
        mass_n = closest_n.cumsum(dim=0, dtype=torch.float64)
        picks_c = torch.searchsorted(mass_n, draws_kc[k] * mass_n[-1], right=True)
        picks_c.clamp_(max=n_rows - 1)  # no mass left: any row is a duplicate
        closest_nc = torch.minimum(distances(picks_c), closest_n[:, None])
        best = closest_nc.sum(dim=0, dtype=torch.float64).argmin()
        chosen_k[k] = picks_c[best]
        closest_n = closest_nc[:, best].clone()
        closest_n[chosen_k[k]] = 0
    return rows_nd[chosen_k]
