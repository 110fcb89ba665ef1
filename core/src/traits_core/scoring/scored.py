"""A few whole examples and what one scorer says of their positions, as sinks are given them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from traits_core.errors import DataError
from traits_core.protocols import SparseScorer
from traits_core.scoring.saved import LoadedScorer

if TYPE_CHECKING:
    from torch import Tensor


@attrs.frozen(kw_only=True)
class NamedScorer:
    """A scorer and what identifies it."""

    name: str
    digest: str
    scorer: LoadedScorer


@attrs.frozen(kw_only=True, eq=False)
class Scored:
    """Scores that are computed when they are first asked for, once for all sinks.

    Parameters
    ----------
    by: the scorer
    acts_bd: float32 activations of whole examples
    first_example: number of the first of them in its split
    positions: rows of an example
    """

    by: NamedScorer
    acts_bd: Tensor
    first_example: int
    positions: int

    @cached_property
    def scores_bk(self) -> Tensor:
        """All scores of each position; DataError when the scorer returns another shape."""
        scores_bk = self.by.scorer(self.acts_bd)
        self._expect(tuple(scores_bk.shape), (len(self.acts_bd), self.by.scorer.n_prototypes))
        return scores_bk

    @cached_property
    def sparse(self) -> tuple[Tensor, Tensor] | None:
        """Values [B, J] and prototypes [B, J] that a `SparseScorer` keeps; None of any other scorer."""
        if not isinstance(self.by.scorer, SparseScorer):
            return None
        values_bj, prototypes_bj = self.by.scorer.sparse(self.acts_bd)
        self._expect(tuple(values_bj.shape), (len(self.acts_bd), values_bj.shape[-1]))
        self._expect(tuple(prototypes_bj.shape), tuple(values_bj.shape))
        return values_bj, prototypes_bj

    def _expect(self, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
        if found != expected:
            raise DataError(
                f"scorer {self.by.name!r} returned {found} for {tuple(self.acts_bd.shape)} "
                f"activations and {self.by.scorer.n_prototypes} prototypes, expected {expected}"
            )
