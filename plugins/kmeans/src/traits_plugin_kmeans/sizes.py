"""How the rows are spread over the clusters: utilisation, a histogram of sizes, duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from traits_plugin_kmeans.codebook import Codebook

EDGES: Final = {"eighth": 0.125, "half": 0.5, "double": 2.0, "eightfold": 8.0}  # of the mean size
DUPLICATE: Final = 1e-4  # of the mean squared distance of rows


def size_metrics(counts_k: Tensor) -> Mapping[str, float | Tensor]:
    """`utilisation`, least, median and largest size, the fraction of clusters in each size class, `sizes`.

    The classes `sizes_empty`, `sizes_eighth`, `sizes_half`, `sizes_double`, `sizes_eightfold` (up to
    that part of the mean size) and `sizes_more` add up to 1. `sizes` is a copy of the counts.
    """
    relative_k = counts_k.double() / counts_k.double().mean()
    edges = torch.tensor([0.0, *EDGES.values()], dtype=torch.float64, device=counts_k.device)
    class_k = torch.bucketize(relative_k, edges)
    fractions = torch.bincount(class_k, minlength=len(edges) + 1).double() / len(counts_k)
    names = ["empty", *EDGES, "more"]
    return {
        "utilisation": float((counts_k > 0).double().mean()),
        "size_min": float(counts_k.min()),
        "size_median": float(counts_k.median()),
        "size_max": float(counts_k.max()),
        **{f"sizes_{name}": float(f) for name, f in zip(names, fractions, strict=True)},
        "sizes": counts_k.clone(),
    }


def n_duplicates(codebook: Codebook, inertia: float, tile_bk: Tensor) -> int:
    """Centroids that lie on an earlier one: within a hundredth of the typical distance of a row.

    `inertia` is the mean squared distance of rows. Costs as much as the assignment of K rows.
    """
    centroids_kd, n_found = codebook.centroids_kd, 0
    for start in range(0, len(centroids_kd), len(tile_bk)):
        part_bd = centroids_kd[start : start + len(tile_bk)]
        scores_bk = tile_bk[: len(part_bd)]
        torch.addmm(codebook.half_norms_k, part_bd, centroids_kd.T, beta=-1, out=scores_bk)
        scores_bk.masked_fill_(_not_earlier(scores_bk, start), -torch.inf)
        labels_b = scores_bk.max(dim=1).indices
        near_b = codebook.squared_distances(part_bd, labels_b) <= DUPLICATE * inertia
        near_b &= torch.arange(start, start + len(part_bd), device=near_b.device) > 0
        n_found += int(near_b.sum())
    return n_found


def _not_earlier(scores_bk: Tensor, start: int) -> Tensor:
    """True where centroid k does not come before row b, which is centroid `start` + b."""
    own_b = torch.arange(start, start + len(scores_bk), device=scores_bk.device)
    return torch.arange(scores_bk.shape[1], device=scores_bk.device) >= own_b[:, None]
