"""A scorer that was trained on normalised activations, as everybody else sees it: raw ones in."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from traits_core.normalization.normalizer import Normalizer
from traits_core.protocols import Scorer


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
