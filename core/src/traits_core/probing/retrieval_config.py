"""The options of the retrieval probe; kept apart so that listing them imports no numpy."""

from __future__ import annotations

from typing import Any

import attrs
from attrs.validators import deep_iterable, ge, le

from traits_core.config.fields import option


def _none_or_enough(_: Any, attribute: attrs.Attribute[int], value: int) -> None:
    if value and value < 200:
        raise ValueError(f"'{attribute.name}' must be 0, or >= 200: {value}")


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
    bootstrap: int = option(
        0,
        help="resamples of images for BCa intervals, from 200; 0: infinitesimal jackknife, at no cost",
        validator=_none_or_enough,
    )
    grid: bool = option(
        True, help="measure fewer prototypes and fewer train examples, too (table `grid`)"
    )
    grid_prototypes: tuple[int, ...] = option(
        (128, 512, 2048, 8192),
        help="the grid takes the first so many prototypes, and all",
        validator=deep_iterable(ge(1)),
    )
    grid_train: tuple[int, ...] = option(
        (16, 64, 256, 1024),
        help="the grid chooses on so many train examples, and on all",
        validator=deep_iterable(ge(1)),
    )
    grid_repeats: int = option(
        10,
        help="draws of so many train examples at most; together a quarter of train",
        validator=ge(1),
    )
