"""How often and how much latents are active: sums over rows, and what they say."""

from __future__ import annotations

import math
from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_core import Comm, DataError

ACTIVE_ABOVE: Final = 1e-8
"""A latent is active in a row when its magnitude is larger."""
DENSE_ABOVE: Final = 0.1
"""A latent is dense when it is active in a larger part of the rows."""
BINS_PER_DECADE: Final = 4


@attrs.frozen(kw_only=True)
class Histogram:
    """How many latents are active how often.

    Parameters
    ----------
    edges: of the bins, as log10 of the part of the rows; a bin holds its lower edge
    counts: latents a bin; latents that are never active are in none
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@attrs.frozen(kw_only=True)
class Sparsity:
    """Activity of S latents over all rows.

    Parameters
    ----------
    l0: mean number of active latents of a row
    l0_fraction: the same as a part of S
    l1: mean sum of the magnitudes of a row
    l1_mean: the same divided by S: the mean magnitude
    dead_fraction: part of the latents that no row activates
    dense_fraction: part of the latents that more than a tenth of the rows activate
    log_frequencies: of the latents that are not dead
    """

    l0: float
    l0_fraction: float
    l1: float
    l1_mean: float
    dead_fraction: float
    dense_fraction: float
    log_frequencies: Histogram


@attrs.frozen(eq=False)
class LatentSums:
    """Sums from which `Sparsity` follows; they add up over batches and processes.

    Parameters
    ----------
    n: rows
    active_s: rows that activate each latent
    magnitude_s: sum of the magnitudes of each latent
    """

    n: Tensor
    active_s: Tensor
    magnitude_s: Tensor

    @classmethod
    def of_none(cls, n_latents: int, device: torch.device | str = "cpu") -> Self:
        """Sums over no rows."""
        wide = torch.zeros(2, n_latents, dtype=torch.float64, device=device)
        return cls(wide.new_zeros(()), *wide)

    def add(self, latents_bs: Tensor) -> None:
        """Take in the latents of some rows [B, S]."""
        magnitudes_bs = latents_bs.detach().abs()
        self.n.add_(len(latents_bs))
        self.active_s.add_((magnitudes_bs > ACTIVE_ABOVE).sum(dim=0))
        self.magnitude_s.add_(magnitudes_bs.sum(dim=0, dtype=torch.float64))

    def add_sparse(self, values_bj: Tensor, indices_bj: Tensor) -> None:
        """Take in values [B, J] of the latents `indices_bj`, no latent twice in a row; others are 0."""
        magnitudes_m, indices_m = values_bj.detach().abs().flatten(), indices_bj.flatten()
        self.n.add_(len(values_bj))
        self.active_s.index_add_(0, indices_m, (magnitudes_m > ACTIVE_ABOVE).double())
        self.magnitude_s.index_add_(0, indices_m, magnitudes_m.double())

    def all_sum(self, comm: Comm) -> None:
        """Replace the sums, in place, by those over all processes."""
        comm.all_sum(self.n, self.active_s, self.magnitude_s)

    def measured(self) -> Sparsity:
        """What the rows so far say; raises DataError when there are none."""
        n, n_latents = float(self.n), len(self.active_s)
        if n == 0:
            raise DataError("no rows were encoded: there must be at least one")
        l0, l1 = float(self.active_s.sum() / n), float(self.magnitude_s.sum() / n)
        return Sparsity(
            l0=l0,
            l0_fraction=l0 / n_latents,
            l1=l1,
            l1_mean=l1 / n_latents,
            dead_fraction=float((self.active_s == 0).double().mean()),
            dense_fraction=float((self.active_s > DENSE_ABOVE * n).double().mean()),
            log_frequencies=_histogram(self.active_s, n),
        )


def _histogram(active_s: Tensor, n: float) -> Histogram:
    """Bins from the rarest frequency that `n` rows can show up to 1, which the last one holds too."""
    n_bins = max(1, math.ceil(math.log10(n) * BINS_PER_DECADE))
    logs_m = (active_s[active_s > 0] / n).log10()
    # The bin of a frequency on an edge must not depend on the rounding of its logarithm.
    bins_m = (logs_m * BINS_PER_DECADE + 1e-9).floor().long() + n_bins
    counts_b = torch.bincount(bins_m.clamp_(max=n_bins - 1), minlength=n_bins)
    edges = tuple((edge - n_bins) / BINS_PER_DECADE for edge in range(n_bins + 1))
    return Histogram(edges=edges, counts=tuple(counts_b.tolist()))
