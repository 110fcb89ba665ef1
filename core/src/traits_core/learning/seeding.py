"""Where clusters start: greedy k-means++ on a sample, a block of proposals at a time."""

from __future__ import annotations

from typing import Final, Self

import attrs
import torch
from torch import Tensor

BLOCK_BYTES: Final = 32 << 20  # of distances of all rows to a block of proposals
BLOCK: Final = 256  # proposals at least, if so many are needed: all rows are read once per block
ROUNDING: Final = 1e-6  # of the squared norm, in a squared distance


def greedy_kmeans_plus_plus(
    rows_nd: Tensor,
    n_clusters: int,
    n_candidates: int,
    generator: torch.Generator,
    weights_n: Tensor | None = None,
) -> Tensor:
    """Choose `n_clusters` of the float32 rows [N, D] as the first centres [K, D].

    Each step draws `n_candidates` rows with probability proportional to their squared distance to
    the rows chosen so far, and keeps the one that lowers the sum of these distances most; in both,
    distances count times the weights of their rows, which must be above 0 (default: 1). So that
    distances are a matrix product, a block of proposals is drawn at once, and each is accepted as a
    candidate with probability (its distance now) / (its distance when it was drawn): candidates are
    distributed as if drawn one by one. With fewer distinct rows than clusters the rest are
    duplicates. Memory: the rows once more, and 32 MiB or 256 N numbers.

    Arthur & Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007 (section 6.1
    suggests the greedy steps); Cohen-Addad et al., Fast and accurate k-means++ via rejection
    sampling, NeurIPS 2020. Of unit rows, squared distances are 2 (1 - cosine).
    """
    device = rows_nd.device
    weights_n = torch.ones(len(rows_nd), device=device) if weights_n is None else weights_n.float()
    distances = _Distances.among(rows_nd, weights_n)
    most = max(n_candidates, BLOCK, BLOCK_BYTES // (4 * len(rows_nd)))
    first = _drawn(1, weights_n, generator)
    chosen = first.tolist()
    closest_n = distances.rounded(distances.to(first)[0])
    while len(chosen) < n_clusters and bool(closest_n.any()):
        n_proposals = min(most, n_candidates * max(1, len(chosen) // 4))
        picks_b = _drawn(n_proposals, closest_n * weights_n, generator)
        limits_b = _uniform(n_proposals, generator, device).float() * closest_n[picks_b]
        block, closest_n = _choose(distances, picks_b, limits_b, closest_n, n_candidates)
        chosen += block[: n_clusters - len(chosen)]
    copies = _drawn(n_clusters - len(chosen), weights_n, generator)
    return rows_nd[torch.cat([torch.tensor(chosen, device=device), copies])]


def _choose(
    distances: _Distances, picks_b: Tensor, limits_b: Tensor, closest_n: Tensor, n_candidates: int
) -> tuple[list[int], Tensor]:
    """The rows that greedy steps choose among proposals, in order, and the distances they leave.

    A proposal is a candidate while its distance is above its limit. Too few of them for one more
    step are left to the next block, whose proposals take their place.
    """
    to_picks_bn = distances.to(picks_b)
    left_c, chosen = torch.arange(len(picks_b), device=picks_b.device), []
    while len(left_c) >= n_candidates:
        now_c, left_c = left_c[:n_candidates], left_c[n_candidates:]
        closest_cn = torch.minimum(to_picks_bn.index_select(0, now_c), closest_n)
        best = int((closest_cn @ distances.weights_n).argmin()) if n_candidates > 1 else 0
        chosen.append(int(picks_b[now_c[best]]))
        closest_n = distances.rounded(closest_cn[best])
        left_c = left_c[closest_n[picks_b[left_c]] > limits_b[left_c]]
    return chosen, closest_n


@attrs.frozen(eq=False)
class _Distances:
    """Squared distances between centred rows, as one product: |x|^2 + |c|^2 - 2 x.c."""

    rows_ne: Tensor  # x, |x|^2, 1
    roundings_n: Tensor
    weights_n: Tensor

    @classmethod
    def among(cls, rows_nd: Tensor, weights_n: Tensor) -> Self:
        rows_nd = rows_nd - rows_nd.mean(dim=0, dtype=torch.float64).float()
        norms_n1 = rows_nd.square().sum(dim=1, keepdim=True)
        rows_ne = torch.cat([rows_nd, norms_n1, torch.ones_like(norms_n1)], dim=1)
        return cls(rows_ne, ROUNDING * norms_n1[:, 0], weights_n)

    def to(self, picks_b: Tensor) -> Tensor:
        """The distances [B, N] of all rows to those picked."""
        picked_be = self.rows_ne[picks_b]
        turned_be = torch.cat([-2 * picked_be[:, :-2], picked_be[:, [-1, -2]]], dim=1)
        return turned_be @ self.rows_ne.T

    def rounded(self, closest_n: Tensor) -> Tensor:
        """Distances with 0 for what is nothing but rounding: copies of the rows that are chosen."""
        return torch.where(closest_n <= self.roundings_n, 0.0, closest_n)


def _drawn(n: int, mass_n: Tensor, generator: torch.Generator) -> Tensor:
    """`n` rows, with probability proportional to their mass."""
    ends_n = mass_n.cumsum(dim=0, dtype=torch.float64)
    draws_b = _uniform(n, generator, mass_n.device) * ends_n[-1]
    return torch.searchsorted(ends_n, draws_b, right=True).clamp_(max=len(mass_n) - 1)


def _uniform(n: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """`n` float64 numbers in [0, 1), drawn where the generator is."""
    numbers_n = torch.rand(n, dtype=torch.float64, generator=generator, device=generator.device)
    return numbers_n.to(device)
