"""The options of the purity probe; kept apart so that listing them imports no numpy."""

from __future__ import annotations

import attrs
from attrs.validators import ge, le

from traits_core.config.fields import option


@attrs.frozen(kw_only=True)
class PurityConfig:
    """Options of `PurityProbe`."""

    n_permutations: int = option(
        5, help="label permutations that the floor is averaged over", validator=ge(1)
    )
    rows: int = option(
        4096, help="rows of scores that are read at a time; memory grows with it", validator=ge(1)
    )
    max_prevalence: float = option(
        0.75, help="refuse labels whose mean prevalence is above this", validator=le(1.0)
    )
