"""The options of the logistic probe; kept apart so that listing them imports no numpy."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs.validators import and_, deep_iterable, ge, le, min_len, optional

from traits_core.config.fields import option


@attrs.frozen(kw_only=True)
class LogisticConfig:
    """Options of `LogisticProbe`."""

    ridge: tuple[float, ...] = option(
        (1e-5, 1e-3, 1e-1),
        help="penalties of the slope to choose from: ridge / 2 * slope^2, scores standardised, is "
        "added to the mean loss; 0 is allowed, but leaves separable pairs without a finite slope",
        validator=and_(min_len(1), deep_iterable(ge(0))),
    )
    bins: Literal[64, 128, 256, 512, 1024, 2048, 4096] = option(
        256, help="bins that the scores of a prototype are counted in; more are more precise"
    )
    prune: int | None = option(
        None,
        help="fit only the so many prototypes that correlate most with a class",
        validator=optional(ge(1)),
    )
    pairs: int = option(
        5, help="prototypes per class that the table `pairs` shows, best first", validator=ge(1)
    )
    n_permutations: int = option(
        1,
        help="label permutations that the floor of best-of-K selection is averaged over",
        validator=ge(1),
    )
    batch_rows: int = option(
        8192, help="rows of scores that are read at a time; memory grows with it", validator=ge(1)
    )
    max_prevalence: float = option(
        0.75, help="refuse labels whose mean prevalence is above this", validator=le(1.0)
    )
