"""A scorer that was trained on normalised activations, as everybody else sees it: raw ones in."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from traits_core.normalization.normalizer import Normalizer
from traits_core.protocols import Scorer, SparseScorer


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


def normalized(normalizer: Normalizer, scorer: Scorer) -> NormalizedScorer:
    """A scorer of raw activations, which is sparse where `scorer` is."""
    kind = NormalizedSparseScorer if isinstance(scorer, SparseScorer) else NormalizedScorer
    return kind(normalizer, scorer)
