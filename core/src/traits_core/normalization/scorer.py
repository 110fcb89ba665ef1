"""A scorer that was trained on normalised activations, as everybody else sees it: raw ones in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs
import torch
from torch import Tensor

from traits_core.normalization.normalizer import Normalizer
from traits_core.protocols import BlockwiseScorer, Scorer, SparseScorer


@attrs.frozen(eq=False)
class NormalizedScorer:
    """Normalises activations, then has the method's own scorer score them."""

    normalizer: Normalizer
    scorer: Scorer

    @property
    def n_prototypes(self) -> int:
        """Those of the method's scorer."""
        return self.scorer.n_prototypes

    @torch.no_grad()
    def __call__(self, acts_bd: Tensor) -> Tensor:
        """Score raw activations [B, D] of any float dtype; return float32 [B, K]."""
        return self.scorer(self.normalizer(acts_bd))


class NormalizedSparseScorer(NormalizedScorer):
    """The same of a scorer that is a `SparseScorer` too."""

    @torch.no_grad()
    def sparse(self, acts_bd: Tensor) -> tuple[Tensor, Tensor]:
        """What is kept of the scores of raw activations [B, D]: values and prototypes [B, J]."""
        assert isinstance(self.scorer, SparseScorer)
        return self.scorer.sparse(self.normalizer(acts_bd))


class NormalizedBlockwiseScorer(NormalizedScorer):
    """The same of a scorer that is a `BlockwiseScorer` too."""

    @torch.no_grad()
    def blocks(self, acts_bd: Tensor, width: int) -> Iterator[Tensor]:
        """Scores of raw activations [B, D], normalised once, `width` columns after the other."""
        assert isinstance(self.scorer, BlockwiseScorer)
        return self.scorer.blocks(self.normalizer(acts_bd), width)


class NormalizedSparseBlockwiseScorer(NormalizedSparseScorer, NormalizedBlockwiseScorer):
    """The same of a scorer that is both."""


KINDS: Final = {
    (False, False): NormalizedScorer,
    (True, False): NormalizedSparseScorer,
    (False, True): NormalizedBlockwiseScorer,
    (True, True): NormalizedSparseBlockwiseScorer,
}
"""By whether a scorer is sparse, and blockwise: a normalised one claims no more than that."""


def normalized(normalizer: Normalizer, scorer: Scorer) -> NormalizedScorer:
    """A scorer of raw activations, which is sparse or blockwise where `scorer` is."""
    kind = KINDS[isinstance(scorer, SparseScorer), isinstance(scorer, BlockwiseScorer)]
    return kind(normalizer, scorer)
