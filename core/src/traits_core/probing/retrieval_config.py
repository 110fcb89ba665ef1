"""The options of the retrieval probe; kept apart so that listing them imports no numpy."""

from __future__ import annotations

import attrs
from attrs.validators import ge, le

from traits_core.config.fields import option


@attrs.frozen(kw_only=True)
class RetrievalConfig:
    """Options of `RetrievalProbe`."""

    n_permutations: int = option(
        5,
        help="label permutations that the floor of best-of-K selection is averaged over",
        validator=ge(1),
    )
    block: int = option(
        512,
        help="prototypes that are read and ranked at a time; memory grows with it",
        validator=ge(1),
    )
    max_prevalence: float = option(
        0.75, help="refuse labels whose mean prevalence is above this", validator=le(1.0)
    )
