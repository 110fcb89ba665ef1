"""Whether another seed finds the same prototypes: cosines of the best one-to-one matching."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import attrs
import torch
from torch import Tensor

from traits_core.comparing.groups import Entry
from traits_core.errors import StageError
from traits_core.learning.matching import match_directions
from traits_core.normalization.scorer import NormalizedScorer
from traits_core.protocols import AffineScorer
from traits_core.registry.plugins import Registry
from traits_core.scoring.saved import load_scorer
from traits_core.stages.rundir import open_run


@attrs.frozen(kw_only=True)
class Stability:
    """How near the prototypes of other seeds are to those of the first, as means over these seeds.

    Parameters
    ----------
    cosine: mean cosine of matched prototypes
    stable: share of them whose cosine is 0.9 or more
    cosine_random: mean cosine of as many matched Gaussian directions: what matching alone gives
    """

    cosine: float
    stable: float
    cosine_random: float


def seed_stability(entry: Entry, registry: Registry) -> Stability | None:
    """Match the prototypes of each further seed with those of the first; None for a single run.

    Prototypes are the decoder rows of the affine form of a scorer. Time: seconds per seed for
    thousands of prototypes. Raises StageError for a scorer that has no such form.
    """
    if len(entry.runs) < 2:
        return None
    first_kd, *others = _directions(entry, registry)
    found = [match_directions(first_kd, other_kd) for other_kd in others]
    generator = torch.Generator().manual_seed(0)
    random = match_directions(*(torch.randn(first_kd.shape, generator=generator) for _ in range(2)))
    return Stability(
        cosine=statistics.fmean(float(one.cosines_j.mean()) for one in found),
        stable=statistics.fmean(one.stable() for one in found),
        cosine_random=float(random.cosines_j.mean()),
    )


def _directions(entry: Entry, registry: Registry) -> Iterator[Tensor]:
    for facts in entry.runs:
        run = open_run(facts.root, registry)
        loaded, _ = load_scorer(run.scorer, registry, torch.device("cpu"))
        # All seeds see activations through one normaliser, so directions compare behind it.
        scorer = loaded.scorer if isinstance(loaded, NormalizedScorer) else loaded
        if not isinstance(scorer, AffineScorer):
            raise StageError(
                f"{facts.root}: the prototypes of {facts.method!r} are no directions (its scorer has "
                "no `affine`), so seeds cannot be matched"
            )
        yield scorer.affine().decoder_kd
