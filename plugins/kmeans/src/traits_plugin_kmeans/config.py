"""The options of k-means."""

from __future__ import annotations

import math
from typing import Final, Literal

import attrs

from traits_core import option

MOST_COMPARED: Final = 40_960  # rows, in all steps of k-means++: up to 4096 clusters no limit


@attrs.frozen
class KMeansConfig:
    """Options of the method `kmeans`; the README says what each costs."""

    n_clusters: int = option(
        4096,
        help="number of prototypes; at most the number of training rows",
        validator=attrs.validators.ge(1),
    )
    distance: Literal["euclidean", "cosine"] = option(
        "euclidean", help="what makes rows near: their distance, or their angle (spherical k-means)"
    )
    score: Literal["neg-sq-distance", "neg-distance", "cosine", "unit"] = option(
        "neg-sq-distance",
        help="what is scored; unit: 1 - distance / (the largest possible in training), from 0 to 1",
    )
    max_epochs: int = option(
        10, help="passes over the training rows at most", validator=attrs.validators.ge(1)
    )
    exact_passes: int = option(
        2,
        help="how many of them, at the end, are exact steps of Lloyd; max_epochs: all of them",
        validator=attrs.validators.ge(0),
    )
    first_window: float = option(
        24.0,
        help="points per centroid that mini-batch means remember in the first epoch",
        validator=attrs.validators.gt(0.0),
    )
    window: float = option(
        96.0,
        help="points per centroid that they remember in the last mini-batch epoch",
        validator=attrs.validators.gt(0.0),
    )
    tol: float = option(
        1e-4,
        help="an exact pass that lowers the inertia by less than this fraction has stalled",
        validator=attrs.validators.and_(attrs.validators.ge(0.0), attrs.validators.lt(1.0)),
    )
    patience: int = option(
        1,
        help="stalled exact passes in a row that end the fit",
        validator=attrs.validators.ge(1),
    )
    n_init: int = option(
        1,
        help="seedings that are tried; the best on held-out rows of the sample is kept",
        validator=attrs.validators.ge(1),
    )
    seeding_rows: int | None = option(
        None,
        help="training rows that k-means++ chooses from (default: 8 per cluster, at least 16384)",
        validator=attrs.validators.optional(attrs.validators.ge(1)),
    )
    n_candidates: int | None = option(
        None,
        help="rows that each k-means++ step compares (default: 2 + log of n_clusters, fewer above 4096)",
        validator=attrs.validators.optional(attrs.validators.ge(1)),
    )
    small_cluster: float = option(
        0.02,
        help="re-seed clusters smaller than this fraction of the mean size; 0: only empty ones",
        validator=attrs.validators.and_(attrs.validators.ge(0.0), attrs.validators.lt(1.0)),
    )

    @property
    def sample_rows(self) -> int:
        """How many rows the start is chosen from: never fewer than there are clusters."""
        wanted = max(8 * self.n_clusters, 16384) if self.seeding_rows is None else self.seeding_rows
        return max(wanted, self.n_clusters)

    @property
    def candidates(self) -> int:
        """How many rows each k-means++ step compares; more than one make it greedy."""
        affordable = max(1, MOST_COMPARED // self.n_clusters)
        return self.n_candidates or min(2 + int(math.log(self.n_clusters)), affordable)
