"""Where training starts: the centre and the scale of activations, and the first directions."""

from __future__ import annotations

from typing import Final, Literal

import torch
from torch import Tensor

MEDIAN_STEPS: Final = 64
MEDIAN_TOLERANCE: Final = 1e-6


def centre(sample_nd: Tensor, kind: Literal["median", "mean", "zero"]) -> Tensor:
    """What activations lie around: float32 [D]."""
    if kind == "zero":
        return sample_nd.new_zeros(sample_nd.shape[1])
    mean_d = sample_nd.mean(dim=0, dtype=torch.float64).float()
    return mean_d if kind == "mean" else geometric_median(sample_nd, mean_d)


def geometric_median(sample_nd: Tensor, start_d: Tensor) -> Tensor:
    """The point with the least mean distance to the rows, which few far rows do not move.

    Weiszfeld 1937; each step weighs the rows by the inverse of their distance.
    """
    median_d = start_d
    for _ in range(MEDIAN_STEPS):
        distances_n = (sample_nd - median_d).norm(dim=1)
        weights_n = 1 / distances_n.clamp_(min=1e-12 + 1e-6 * float(distances_n.mean()))
        moved_d = (weights_n @ sample_nd) / weights_n.sum()
        step = float((moved_d - median_d).norm())
        median_d = moved_d
        if step <= MEDIAN_TOLERANCE * float(distances_n.mean()):
            break
    return median_d


def spread(sample_nd: Tensor, centre_d: Tensor) -> float:
    """Root of the mean squared distance of the rows to the centre."""
    return float((sample_nd - centre_d).square().sum(dim=1).mean(dtype=torch.float64).sqrt())


def directions(
    sample_nd: Tensor,
    centre_d: Tensor,
    n_latents: int,
    kind: Literal["random", "rows"],
    generator: torch.Generator,
) -> Tensor:
    """The first decoder rows: unit vectors [S, D], drawn on the CPU."""
    d_model = sample_nd.shape[1]
    gaussian_sd = torch.randn(n_latents, d_model, generator=generator, dtype=torch.float32)
    rows_sd = gaussian_sd.to(sample_nd.device)
    if kind == "rows":
        picks_s = torch.randint(len(sample_nd), (n_latents,), generator=generator)
        rows_sd = sample_nd[picks_s.to(sample_nd.device)] - centre_d
        # Noise keeps rows that are drawn twice apart.
        rows_sd = unit(rows_sd) + 0.3 * unit(gaussian_sd.to(sample_nd.device))
    return unit(rows_sd)


def unit(rows_nd: Tensor) -> Tensor:
    """Rows divided by their lengths."""
    return torch.nn.functional.normalize(rows_nd, dim=1)
