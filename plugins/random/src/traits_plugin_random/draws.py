"""Random prototypes that are nested: with one seed, fewer are the first of more."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from traits_core import DataError

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


def orthonormal_directions(n: int, d_model: int, generator: torch.Generator) -> Tensor:
    """`n` directions [n, D], float32, orthonormal within each block of D, uniform on the sphere.

    Each block is a rotation or reflection drawn from the Haar measure: the Q of a normal matrix, with
    the signs that make the diagonal of R positive. Mezzadri, How to generate random matrices from the
    classical compact groups, Notices of the AMS 54 (2007). A block is drawn whole, even when a part
    of it is wanted: the rounding of a part is not that of the whole.
    """
    blocks = []
    for _ in range(0, n, d_model):
        normals_dd = torch.randn(d_model, d_model, generator=generator, dtype=torch.float64)
        q_dd, r_dd = torch.linalg.qr(normals_dd)
        blocks.append((q_dd * r_dd.diagonal().sign()).T.float())
    return torch.cat(blocks)[:n]


def random_rows(sample_nd: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """The first `n` rows [n, D] of a random order of the sample, which `n` does not change."""
    order = torch.randperm(len(sample_nd), generator=generator)
    return sample_nd[order[:n].to(sample_nd.device)].float()


def standardizing(rows_kd: Tensor, sample_nd: Tensor) -> tuple[Tensor, Tensor]:
    """Prototypes [K, D] and a mean [D], so that (x - mean).prototype compares x and a row standardized.

    Standardized: less the mean of the sample, divided by its standard deviation. A prototype is
    (row - mean) / variance, where features that do not vary have no weight.

    Raises DataError when no feature varies.
    """
    varies_d = sample_nd.amax(dim=0) > sample_nd.amin(dim=0)
    if not varies_d.any():
        raise DataError(
            f"cannot standardize by a sample of {len(sample_nd)} rows that do not vary: "
            "look for constant activations"
        )
    variance_d, mean_d = torch.var_mean(sample_nd.double(), dim=0, correction=0)
    weights_kd = torch.where(varies_d, (rows_kd - mean_d) / variance_d, 0.0)
    return weights_kd.float(), mean_d.float()
