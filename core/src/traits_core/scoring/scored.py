"""A few whole examples and what one scorer says of their positions, as sinks are given them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from traits_core.errors import DataError, PluginError, TraitsError
from traits_core.protocols import BlockwiseScorer, SparseScorer
from traits_core.scoring.saved import LoadedScorer

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def faults_of(scorer: str) -> Iterator[None]:
    """Make what the scorer of this name raises in the block a PluginError, save a TraitsError."""
    try:
        yield
    except TraitsError:
        raise
    except Exception as error:  # a plugin may raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise PluginError(
            f"scorer {scorer!r} raised {reason}; once that is mended, the same command goes on"
        ) from error


@attrs.frozen(kw_only=True)
class NamedScorer:
    """A scorer and what identifies it."""

    name: str
    digest: str
    scorer: LoadedScorer

    def at_once(self, block: int | None) -> int:
        """How many scores of a row are in memory at the same time; see `Scored`."""
        n = self.scorer.n_prototypes
        return min(n, block) if block and isinstance(self.scorer, BlockwiseScorer) else n


@attrs.frozen(kw_only=True, eq=False)
class Scored:
    """Scores that are computed when they are first asked for, once for all sinks.

    Whatever a scorer raises that is no TraitsError is a PluginError.

    Parameters
    ----------
    by: the scorer
    acts_bd: float32 activations of whole examples
    first_example: number of the first of them in its split
    positions: rows of an example
    block: a blockwise scorer scores so many prototypes at once, for one sink that goes through them
        once; None: it scores all, which are kept for all sinks
    """

    by: NamedScorer
    acts_bd: Tensor
    first_example: int
    positions: int
    block: int | None

    @cached_property
    def scores_bk(self) -> Tensor:
        """All scores of each position; DataError when the scorer returns another shape."""
        with faults_of(self.by.name):
            return self._float(
                self.by.scorer(self.acts_bd), (len(self.acts_bd), self.by.scorer.n_prototypes)
            )

    def blocks(self) -> Iterator[tuple[int, Tensor]]:
        """The scores of each position, a block of prototypes after the other, behind the first of these.

        Raises DataError when the scorer returns other shapes.
        """
        scorer, first = self.by.scorer, 0
        if not (self.block and isinstance(scorer, BlockwiseScorer)):
            yield 0, self.scores_bk
            return
        n, n_rows = scorer.n_prototypes, len(self.acts_bd)
        with faults_of(self.by.name):
            for scores_bk in scorer.blocks(self.acts_bd, self.block):
                left = min(self.block, n - first)
                yield first, self._float(scores_bk, (n_rows, left) if left else None)
                first += left
        self._expect((n_rows, first), (n_rows, n))

    @cached_property
    def sparse(self) -> tuple[Tensor, Tensor] | None:
        """Values [B, J] and prototypes [B, J] that a `SparseScorer` keeps; None of any other scorer."""
        if not isinstance(self.by.scorer, SparseScorer):
            return None
        with faults_of(self.by.name):
            values_bj, prototypes_bj = self.by.scorer.sparse(self.acts_bd)
            values_bj = self._float(values_bj, (len(self.acts_bd), max(1, values_bj.shape[-1])))
            self._expect(tuple(prototypes_bj.shape), tuple(values_bj.shape))
        return values_bj, prototypes_bj

    def _float(self, scores_bk: Tensor, expected: tuple[int, int] | None) -> Tensor:
        """These scores as float32; DataError when they are no floats, or of another shape."""
        self._expect(tuple(scores_bk.shape), expected)
        if not scores_bk.is_floating_point():
            raise DataError(f"scorer {self.by.name!r} returned {scores_bk.dtype}, expected floats")
        return scores_bk.float()

    def _expect(self, found: tuple[int, ...], expected: tuple[int, ...] | None) -> None:
        if found != expected:
            raise DataError(
                f"scorer {self.by.name!r} returned {found} for {tuple(self.acts_bd.shape)} "
                f"activations and {self.by.scorer.n_prototypes} prototypes, expected "
                f"{expected or 'no more of them'}"
            )
