"""What an epoch adds up for its metrics: over batches, over processes, over restarts."""

from __future__ import annotations

from typing import Self

import attrs
import torch
from torch import Tensor

from traits_plugin_softcluster.members import Members


@attrs.frozen(eq=False)
class EpochTotals:
    """Sums over the rows of an epoch, in float64.

    Parameters
    ----------
    masses_k: sum of memberships
    nearest_k: rows whose largest membership it is, int64
    objective, captured, entropy, effective: what `metrics` divides by the number of rows
    n_rows: rows that have a direction, int64
    n_zero: rows that have none, int64
    """

    masses_k: Tensor
    nearest_k: Tensor
    objective: Tensor
    captured: Tensor
    entropy: Tensor
    effective: Tensor
    n_rows: Tensor
    n_zero: Tensor

    @classmethod
    def zeros(cls, n_clusters: int, device: torch.device) -> Self:
        """The totals of no rows."""

        def real(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.float64, device=device)

        def count(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.int64, device=device)

        return cls(
            masses_k=real(n_clusters),
            nearest_k=count(n_clusters),
            objective=real(),
            captured=real(),
            entropy=real(),
            effective=real(),
            n_rows=count(),
            n_zero=count(),
        )

    def tensors(self) -> dict[str, Tensor]:
        """The live tensors by name."""
        return attrs.asdict(self, recurse=False)

    def add(self, members: Members) -> None:
        """Add the rows of one tile; `masses_k` is added by whoever sums them for the centres."""
        entropies_b = members.entropies()
        self.nearest_k.add_(torch.bincount(members.nearest_b, minlength=len(self.nearest_k)))
        self.objective.add_(members.soft_maxima_b.sum(dtype=torch.float64))
        self.captured.add_(members.captured_b.sum(dtype=torch.float64))
        self.entropy.add_(entropies_b.sum(dtype=torch.float64))
        self.effective.add_(entropies_b.exp().sum(dtype=torch.float64))
        self.n_rows.add_(len(entropies_b))

    def metrics(self) -> dict[str, float]:
        """Means per row, and how the rows are spread over the clusters.

        `objective`, `captured_mass` (of the softmax, in the memberships that were kept),
        `effective_clusters` (mean exp of the entropy of a row) and `entropy` in nats; `utilisation`
        (fraction of clusters that are the nearest of some row); `mass_min`, `mass_median`,
        `mass_max` (sums of memberships); `zero_rows`.
        """
        n_rows = int(self.n_rows)
        return {
            "objective": float(self.objective) / n_rows,
            "captured_mass": float(self.captured) / n_rows,
            "effective_clusters": float(self.effective) / n_rows,
            "entropy": float(self.entropy) / n_rows,
            "utilisation": float((self.nearest_k > 0).double().mean()),
            "mass_min": float(self.masses_k.min()),
            "mass_median": float(self.masses_k.median()),
            "mass_max": float(self.masses_k.max()),
            "zero_rows": float(self.n_zero),
        }

    def clear(self) -> None:
        """Forget all rows."""
        for tensor in self.tensors().values():
            tensor.zero_()
