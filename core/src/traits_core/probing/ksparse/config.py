"""The options of the k-sparse probe; kept apart so that listing them imports no numpy."""

from __future__ import annotations

import attrs
from attrs.validators import and_, deep_iterable, ge, gt, le, min_len

from traits_core.config.fields import option


@attrs.frozen(kw_only=True)
class KSparseConfig:
    """Options of `KSparseProbe`."""

    k: tuple[int, ...] = option(
        (1, 4, 16),
        help="prototypes that each classifier uses, all where there are fewer; the headline shows "
        "the largest",
        validator=and_(min_len(1), deep_iterable(ge(1))),
    )
    ridge: float = option(
        0.01,
        help="weight of half the squared slopes in the mean loss, features being standardised",
        validator=gt(0.0),
    )
    n_permutations: int = option(
        1, help="label permutations that the floor of the choice is averaged over", validator=ge(1)
    )
    block: int = option(
        512, help="prototypes that are read at a time; memory grows with it", validator=ge(1)
    )
    max_prevalence: float = option(
        0.75, help="refuse labels whose mean prevalence is above this", validator=le(1.0)
    )
