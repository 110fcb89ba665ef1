"""Sums over the rows of an epoch, and what they say."""

from __future__ import annotations

from typing import Self

import attrs
import torch
from torch import Tensor

from traits_plugin_sae.optimization import Learned


@attrs.frozen(eq=False)
class EpochTotals:
    """Sums over rows that were learned from, each under the weights of its step.

    Parameters
    ----------
    n_rows, squared_error, squares, n_active: float64, 0-d
    sums_d: float64, of rows minus the first centre, as `squares` are
    fired_s: bool, latents that were positive in some row
    """

    n_rows: Tensor
    squared_error: Tensor
    squares: Tensor
    n_active: Tensor
    sums_d: Tensor
    fired_s: Tensor

    @classmethod
    def zeros(cls, d_model: int, n_latents: int, device: torch.device) -> Self:
        """No rows."""

        def zero() -> Tensor:
            return torch.zeros((), dtype=torch.float64, device=device)

        return cls(
            zero(),
            zero(),
            zero(),
            zero(),
            torch.zeros(d_model, dtype=torch.float64, device=device),
            torch.zeros(n_latents, dtype=torch.bool, device=device),
        )

    @classmethod
    def of(cls, learned: Learned, sums_d: Tensor, squares: Tensor) -> Self:
        """The rows of one step, of which these are the sums."""

        def scalar(value: float) -> Tensor:
            return torch.tensor(value, dtype=torch.float64, device=sums_d.device)

        return cls(
            scalar(learned.n_rows),
            scalar(learned.squared_error),
            squares,
            learned.counts_s.sum().double(),
            sums_d,
            learned.counts_s > 0,
        )

    def add(self, more: EpochTotals) -> None:
        """Count further rows."""
        self.n_rows.add_(more.n_rows)
        self.squared_error.add_(more.squared_error)
        self.squares.add_(more.squares)
        self.n_active.add_(more.n_active)
        self.sums_d.add_(more.sums_d)
        self.fired_s.logical_or_(more.fired_s)

    def state(self) -> dict[str, Tensor]:
        """The live sums by name."""
        return {f"totals.{name}": tensor for name, tensor in attrs.asdict(self).items()}

    def clear(self) -> None:
        """Begin another epoch."""
        for tensor in self.state().values():
            tensor.zero_()

    def metrics(self) -> dict[str, float]:
        """`explained_variance` (1 - SSE / SST), `l0` and `dead` (fraction of latents), of these rows."""
        n_rows = max(float(self.n_rows), 1.0)
        variance = float(self.squares) - float(self.sums_d.square().sum()) / n_rows
        return {
            "explained_variance": 1 - float(self.squared_error) / max(variance, 1e-30),
            "l0": float(self.n_active) / n_rows,
            "dead": 1 - float(self.fired_s.double().mean()),
        }
