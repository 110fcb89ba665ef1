"""Which scores of a row a store keeps: all, those above a threshold, or the largest of these."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import attrs
import torch

from traits_core.errors import DataError
from traits_core.scoring.largest import largest
from traits_core.scoring.pooling import Pooling
from traits_core.scoring.scored import Scored
from traits_core.stores.header import KeptScores
from traits_core.stores.layout import SCORE_COLUMNS

if TYPE_CHECKING:
    from torch import Tensor

    from traits_core.config.run_config import RunOptions

VALUES, PROTOTYPES = ".values", ".prototypes"
"""What the two arrays of a scorer are called behind its name, where a row keeps the largest scores."""
STORED_BLOCK: Final = SCORE_COLUMNS
"""Prototypes whose scores stay near a core until they are stored."""
POOLED_BLOCK: Final = 2048
"""Prototypes that make a product at full speed; of their scores little is left once they are pooled."""


@attrs.frozen(eq=False)
class Kept:
    """Columns [column, column + J) of rows [B, J] of an array, or how far they are `above` a value, or 0."""

    array: str
    rows_bj: Tensor
    column: int = 0
    above: float | None = None


class Keep(Protocol):
    """Turns the scores of a few examples into rows of a store."""

    @property
    def pooling(self) -> Pooling:
        """What becomes of the positions of an example."""

    @property
    def block(self) -> int | None:
        """How many prototypes it takes at once, if it goes through their scores once; None: it wants all."""

    def columns(self, scorer: str, n_prototypes: int) -> Mapping[str, int]:
        """The arrays that a scorer needs, with their columns."""

    def kept(self, n_prototypes: int) -> KeptScores | None:
        """What the header of the store says of it."""

    def __call__(self, scored: Scored) -> Iterator[Kept]:
        """The next rows of these arrays, pooled: some columns after the other, until all are there."""


@attrs.frozen
class KeepAll:
    """Every score."""

    pooling: Pooling

    @property
    def block(self) -> int:
        """What is pooled, or measured and rounded, together."""
        return _block(self.pooling)

    def columns(self, scorer: str, n_prototypes: int) -> Mapping[str, int]:
        """One array, a column per prototype."""
        return {scorer: n_prototypes}

    def kept(self, n_prototypes: int) -> None:
        """Nothing is left out."""

    def __call__(self, scored: Scored) -> Iterator[Kept]:
        """The pooled scores."""
        for first, pooled_bk in _pooled(scored, self.pooling):
            yield Kept(scored.by.name, pooled_bk, first)


@attrs.frozen
class KeepAbove:
    """Scores above `tau`, as how far they are above it; zeros elsewhere."""

    pooling: Pooling
    tau: float = 0.0

    @property
    def block(self) -> int:
        """What is pooled, or measured and rounded, together."""
        return _block(self.pooling)

    def columns(self, scorer: str, n_prototypes: int) -> Mapping[str, int]:
        """One array, a column per prototype."""
        return {scorer: n_prototypes}

    def kept(self, n_prototypes: int) -> KeptScores:
        """The form, for the header."""
        return KeptScores(form="threshold", tau=self.tau, n_prototypes=n_prototypes)

    def __call__(self, scored: Scored) -> Iterator[Kept]:
        """max(0, score - tau)."""
        highest = []
        for first, pooled_bk in _pooled(scored, self.pooling):
            if scored.first_example == 0:
                highest.append(pooled_bk.max())
            yield Kept(scored.by.name, pooled_bk, first, above=self.tau)
        _refuse_nothing(highest, self.tau, scored)


@attrs.frozen
class KeepTopK:
    """The `k` largest scores above `tau`, as how far they are above it, and whose they are."""

    pooling: Pooling
    k: int
    tau: float = 0.0

    @property
    def block(self) -> int | None:
        """The largest are looked for among all scores of a row, which are few once they are pooled."""
        return None if self.pooling.kind == "none" else POOLED_BLOCK

    def columns(self, scorer: str, n_prototypes: int) -> Mapping[str, int]:
        """Two arrays; a row has as many columns as scores are kept."""
        width = min(self.k, n_prototypes)
        return {scorer + VALUES: width, scorer + PROTOTYPES: width}

    def kept(self, n_prototypes: int) -> KeptScores:
        """The form, for the header."""
        return KeptScores(form="top-k", tau=self.tau, n_prototypes=n_prototypes)

    def __call__(self, scored: Scored) -> Iterator[Kept]:
        """Values in falling order, 0 where fewer than k scores are above tau; there the prototype is 0."""
        width = min(self.k, scored.by.scorer.n_prototypes)
        sparse = scored.sparse if self.pooling.kind == "none" and self.tau >= 0 else None
        if sparse is None:
            pooled = [block_bk for _, block_bk in _pooled(scored, self.pooling)]
            pooled_bk = torch.cat(pooled, dim=1) if len(pooled) > 1 else pooled[0]
            values_bj, prototypes_bj = largest(pooled_bk, width)
        else:
            values_bj, places_bj = sparse[0].topk(min(width, sparse[0].shape[1]), dim=1)
            prototypes_bj = sparse[1].gather(1, places_bj)
        if scored.first_example == 0:
            _refuse_nothing([values_bj.max()], self.tau, scored)
        values_bj = torch.sub(values_bj, self.tau).clamp_(min=0)
        prototypes_bj = prototypes_bj.masked_fill(values_bj == 0, 0)
        pad = (0, width - values_bj.shape[1])
        yield Kept(scored.by.name + VALUES, torch.nn.functional.pad(values_bj, pad))
        yield Kept(scored.by.name + PROTOTYPES, torch.nn.functional.pad(prototypes_bj.float(), pad))


def keep_of(options: RunOptions) -> Keep:
    """What a run keeps of its scores."""
    pooling = Pooling.of(options)
    if options.scores == "threshold":
        return KeepAbove(pooling, options.scores_tau)
    if options.scores == "top-k":
        return KeepTopK(pooling, options.scores_k, options.scores_tau)
    return KeepAll(pooling)


def _block(pooling: Pooling) -> int:
    return STORED_BLOCK if pooling.kind == "none" else POOLED_BLOCK


def _pooled(scored: Scored, pooling: Pooling) -> Iterator[tuple[int, Tensor]]:
    """The pooled scores, a block of prototypes after the other, behind the first of these."""
    for first, scores_bk in scored.blocks():
        yield first, pooling(scores_bk, scored.positions)


def _refuse_nothing(highest: Sequence[Tensor], tau: float, scored: Scored) -> None:
    """Raise DataError when the highest scores of the first rows of a split are not above `tau`."""
    reached = max(map(float, highest), default=math.inf)
    if reached <= tau:
        raise DataError(
            f"no score of {scored.by.name!r} in the first {len(scored.acts_bd)} positions is above "
            f"--scores-tau {tau:g}: they reach {reached:g}. Choose a lower tau, or keep "
            "all scores with --scores dense"
        )
