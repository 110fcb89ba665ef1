"""The options of soft clustering."""

from __future__ import annotations

import math

import attrs

from traits_core import option

at_least_one = attrs.validators.ge(1)
fraction = attrs.validators.and_(attrs.validators.ge(0.0), attrs.validators.lt(1.0))


@attrs.frozen
class SoftClusterConfig:
    """Options of the method `softcluster`; the README says what each costs."""

    n_clusters: int = option(
        4096,
        help="number of prototypes; at most the number of training rows",
        validator=at_least_one,
    )
    temperature: float = option(
        0.03,
        help="cosines are divided by this before the softmax; smaller is harder",
        validator=attrs.validators.and_(attrs.validators.ge(1e-4), attrs.validators.le(1e4)),
    )
    min_membership: float = option(
        0.01,
        help="rows are not learned by clusters that they belong to less, save their nearest",
        validator=fraction,
    )
    center: bool = option(True, help="subtract the mean before directions are compared")
    top_m: int = option(
        16,
        help="clusters that each row is learned by; from n_clusters on, all",
        validator=at_least_one,
    )
    max_epochs: int = option(
        10, help="passes over the training rows at most", validator=at_least_one
    )
    exact_epochs: int = option(
        2,
        help="how many of them, the last, move the centres once, by all rows; max_epochs: all of them",
        validator=attrs.validators.ge(0),
    )
    window: float = option(
        48.0,
        help="rows per cluster that the moving averages of the first epochs remember",
        validator=attrs.validators.and_(attrs.validators.gt(0.0), attrs.validators.le(1e12)),
    )
    tol: float = option(
        1e-4,
        help="exact epochs end early when one raises the objective by less",
        validator=attrs.validators.ge(0.0),
    )
    seeding_rows: int | None = option(
        None,
        help="training rows that the start is chosen from (default: 8 per cluster, at least 16384)",
        validator=attrs.validators.optional(at_least_one),
    )
    small_cluster: float = option(
        0.05,
        help="re-seed clusters lighter than this fraction of the mean; 0: only empty ones",
        validator=fraction,
    )

    @property
    def sample_rows(self) -> int:
        """How many rows the start is chosen from: never fewer than there are clusters."""
        wanted = max(8 * self.n_clusters, 16384) if self.seeding_rows is None else self.seeding_rows
        return max(wanted, self.n_clusters)

    @property
    def candidates(self) -> int:
        """How many rows each greedy step of the start compares."""
        return 2 + int(math.log(self.n_clusters))

    @property
    def members(self) -> int:
        """How many clusters a row may be learned by."""
        return min(self.top_m, self.n_clusters)
