"""Random prototypes that are nested: with one seed, fewer are the first of more."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

BLOCK = 64


def unit_directions(n: int, d_model: int, generator: torch.Generator) -> Tensor:
    """`n` directions [n, D], float32, uniform on the sphere (normalised standard normals).

    They are drawn in blocks of fixed size, because the first values that a generator gives depend on
    how many are asked for at once.
    """
    blocks = [
        torch.randn(BLOCK, d_model, generator=generator, dtype=torch.float64)
        for _ in range(0, n, BLOCK)
    ]
    normals_nd = torch.cat(blocks)[:n]
    return normalize(normals_nd, dim=1).float()


def random_rows(sample_nd: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """The first `n` rows [n, D] of a random order of the sample, which `n` does not change."""
    order = torch.randperm(len(sample_nd), generator=generator)
    return sample_nd[order[:n].to(sample_nd.device)].float()
