"""Which scores of a row a store keeps: all, those above a threshold, or the largest of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import attrs
import torch

from traits_core.errors import DataError
from traits_core.scoring.largest import largest
from traits_core.scoring.pooling import Pooling
from traits_core.scoring.scored import Scored
from traits_core.stores.header import KeptScores

if TYPE_CHECKING:
    from torch import Tensor

    from traits_core.config.run_config import RunOptions

VALUES, PROTOTYPES = ".values", ".prototypes"
"""What the two arrays of a scorer are called behind its name, where a row keeps the largest scores."""


class Keep(Protocol):
    """Turns the scores of a few examples into rows of a store."""

    @property
    def pooling(self) -> Pooling:
        """What becomes of the positions of an example."""

    def columns(self, scorer: str, n_prototypes: int) -> Mapping[str, int]:
        """The arrays that a scorer needs, with their columns."""

    def kept(self, n_prototypes: int) -> KeptScores | None:
        """What the header of the store says of it."""

    def __call__(self, scored: Scored) -> Mapping[str, Tensor]:
        """The next rows of these arrays, pooled."""


@attrs.frozen
class KeepAll:
    """Every score."""

    pooling: Pooling

    def columns(self, scorer: str, n_prototypes: int) -> Mapping[str, int]:
        """One array, a column per prototype."""
        return {scorer: n_prototypes}

    def kept(self, n_prototypes: int) -> None:
        """Nothing is left out."""

    def __call__(self, scored: Scored) -> Mapping[str, Tensor]:
        """The pooled scores."""
        return {scored.by.name: self.pooling(scored.scores_bk, scored.positions)}


@attrs.frozen
class KeepAbove:
    """Scores above `tau`, as how far they are above it; zeros elsewhere."""

    pooling: Pooling
    tau: float = 0.0

    def columns(self, scorer: str, n_prototypes: int) -> Mapping[str, int]:
        """One array, a column per prototype."""
        return {scorer: n_prototypes}

    def kept(self, n_prototypes: int) -> KeptScores:
        """The form, for the header."""
        return KeptScores(form="threshold", tau=self.tau, n_prototypes=n_prototypes)

    def __call__(self, scored: Scored) -> Mapping[str, Tensor]:
        """max(0, score - tau)."""
        return {
            scored.by.name: _above(
                self.pooling(scored.scores_bk, scored.positions), self.tau, scored
            )
        }


@attrs.frozen
class KeepTopK:
    """The `k` largest scores above `tau`, as how far they are above it, and whose they are."""

    pooling: Pooling
    k: int
    tau: float = 0.0

    def columns(self, scorer: str, n_prototypes: int) -> Mapping[str, int]:
        """Two arrays; a row has as many columns as scores are kept."""
        width = min(self.k, n_prototypes)
        return {scorer + VALUES: width, scorer + PROTOTYPES: width}

    def kept(self, n_prototypes: int) -> KeptScores:
        """The form, for the header."""
        return KeptScores(form="top-k", tau=self.tau, n_prototypes=n_prototypes)

    def __call__(self, scored: Scored) -> Mapping[str, Tensor]:
        """Values in falling order, 0 where fewer than k scores are above tau; there the prototype is 0."""
        width = min(self.k, scored.by.scorer.n_prototypes)
        sparse = scored.sparse if self.pooling.kind == "none" and self.tau >= 0 else None
        if sparse is None:
            scores_bk = self.pooling(scored.scores_bk, scored.positions)
            values_bj, prototypes_bj = largest(scores_bk, width)
        else:
            values_bj, places_bj = sparse[0].topk(min(width, sparse[0].shape[1]), dim=1)
            prototypes_bj = sparse[1].gather(1, places_bj)
        values_bj = _above(values_bj, self.tau, scored)
        prototypes_bj = prototypes_bj.masked_fill(values_bj == 0, 0)
        pad = (0, width - values_bj.shape[1])
        return {
            scored.by.name + VALUES: torch.nn.functional.pad(values_bj, pad),
            scored.by.name + PROTOTYPES: torch.nn.functional.pad(prototypes_bj.float(), pad),
        }


def keep_of(options: RunOptions) -> Keep:
    """What a run keeps of its scores."""
    pooling = Pooling.of(options)
    if options.scores == "threshold":
        return KeepAbove(pooling, options.scores_tau)
    if options.scores == "top-k":
        return KeepTopK(pooling, options.scores_k, options.scores_tau)
    return KeepAll(pooling)


def _above(scores_bk: Tensor, tau: float, scored: Scored) -> Tensor:
    """max(0, score - tau); DataError when that leaves nothing of the first rows of a split."""
    if scored.first_example == 0 and not bool((scores_bk > tau).any()):
        raise DataError(
            f"no score of {scored.by.name!r} in the first {len(scored.acts_bd)} positions is above "
            f"--scores-tau {tau:g}: they reach {float(scores_bk.max()):g}. Choose a lower tau, or keep "
            "all scores with --scores dense"
        )
    return (scores_bk - tau).clamp_(min=0) if tau else scores_bk.clamp(min=0)
