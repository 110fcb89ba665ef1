"""How the scores of an example's positions become one score of the example, or stay apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import attrs

if TYPE_CHECKING:
    from torch import Tensor

    from traits_core.config.run_config import RunOptions


@attrs.frozen
class Pooling:
    """`max`, `mean`, `top-mean`: the mean of the `top` largest (of all when there are fewer), or `none`."""

    kind: Literal["max", "mean", "top-mean", "none"] = "max"
    top: int = 8

    @classmethod
    def of(cls, options: RunOptions) -> Self:
        """The pooling that a run asks for."""
        return cls(options.pooling, options.pooling_top)

    @property
    def name(self) -> str:
        """As the header of a store has it."""
        return f"top-mean of {self.top}" if self.kind == "top-mean" else self.kind

    def rows_per_example(self, positions: int) -> int:
        """Rows that an example of so many positions has after pooling."""
        return positions if self.kind == "none" else 1

    def __call__(self, scores_bk: Tensor, positions: int) -> Tensor:
        """Pool example-major scores [examples * positions, K] to [examples * rows per example, K]."""
        scores_epk = scores_bk.view(-1, positions, scores_bk.shape[1])
        if self.kind == "max":
            return scores_epk.amax(1)
        if self.kind == "mean":
            return scores_epk.mean(1)
        if self.kind == "top-mean":
            return scores_epk.topk(min(self.top, positions), dim=1).values.mean(1)
        return scores_bk
