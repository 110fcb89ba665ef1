"""The options of k-means."""

from __future__ import annotations

import math

import attrs

from traits_core import option


@attrs.frozen
class KMeansConfig:
    """Options of the method `kmeans`; the README says what each costs."""

    n_clusters: int = option(
        4096,
        help="number of prototypes; at most the number of training rows",
        validator=attrs.validators.ge(1),
    )
    max_epochs: int = option(
        20, help="passes over the training rows at most", validator=attrs.validators.ge(1)
    )
    tol: float = option(
        1e-4,
        help="stop when a pass lowers the inertia by less than this fraction",
        validator=attrs.validators.and_(attrs.validators.ge(0.0), attrs.validators.lt(1.0)),
    )
    seeding_rows: int | None = option(
        None,
        help="training rows that k-means++ chooses from (default: 8 per cluster, at least 16384)",
        validator=attrs.validators.optional(attrs.validators.ge(1)),
    )
    n_candidates: int | None = option(
        None,
        help="rows that each greedy k-means++ step compares (default: 2 + log of n_clusters)",
        validator=attrs.validators.optional(attrs.validators.ge(1)),
    )
    small_cluster: float = option(
        0.05,
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
        """How many rows each greedy k-means++ step compares."""
        return self.n_candidates or 2 + int(math.log(self.n_clusters))
