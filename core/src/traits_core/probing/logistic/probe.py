"""The logistic probe: what does the score of one prototype say about the probability of a class?

For every pair of prototype and class, a logistic regression of one feature; the best prototype of
each class is chosen on train, and measured on test, beside the nulls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.audit import check_splits
from traits_core.probing.intervals import map_interval
from traits_core.probing.logistic.candidates import Candidates
from traits_core.probing.logistic.config import LogisticConfig
from traits_core.probing.logistic.measures import oriented
from traits_core.probing.logistic.regressions import Labelled, Regressions
from traits_core.probing.logistic.search import best_candidates
from traits_core.probing.logistic.tables import constant_entry, headline_entry, pair_rows
from traits_core.probing.null_rows import METHOD, constant_row, place, with_permutations
from traits_core.probing.retrieval_tables import Labels
from traits_core.protocols import ProbeSplit, ScoreMatrix
from traits_core.records import ProbeResult, Table


@attrs.frozen
class LogisticProbe:
    """The best one-feature logistic regression of each trait, and the same of the nulls.

    Rows of the headline are those of `RetrievalProbe`. Selection, of prototype and ridge, is by
    Akaike's criterion on train: loss + effective degrees of freedom / rows.

    Memory: see `statistics_of` and `Regressions`, and, for the interval, the scores of the chosen
    prototypes [test rows, traits].
    """

    config: LogisticConfig

    def __call__(self, train: ProbeSplit, test: ProbeSplit, seed: int) -> ProbeResult:
        """Return the headline (a row per scorer and null), and the table `pairs`.

        Raises DataError for splits that cannot be probed (see `audit`) and for NaN scores.
        """
        check_splits(train, test, self.config.max_prevalence)
        labels = Labels.of(train.traits, test.traits)
        found = [
            _measure(name, train.scores[name], test.scores[name], labels, self.config, seed)
            for name in sorted(train.scores, key=place)
        ]
        headline = [constant_entry(constant_row(labels), labels)]
        headline += [one.permuted for one in found if one.permuted]
        headline += [one.entry for one in found]
        pairs = tuple(pair for one in found for pair in one.pairs)
        return ProbeResult(headline=tuple(headline), tables={"pairs": pairs})


@attrs.frozen(kw_only=True, eq=False)
class _Measured:
    """What one scorer reached, what it reaches for permuted labels, and its best pairs."""

    entry: Mapping[str, Any]
    permuted: Mapping[str, Any] | None
    pairs: Table


def _measure(
    name: str,
    train: ScoreMatrix,
    test: ScoreMatrix,
    labels: Labels,
    config: LogisticConfig,
    seed: int,
) -> _Measured:
    """Permuted labels are further classes of the same pass."""
    n_permutations = config.n_permutations if name == METHOD else 0
    rng = np.random.default_rng(seed)
    train_nt = with_permutations(labels.train_nt, n_permutations, rng)
    test_nt = with_permutations(labels.test_nt, n_permutations, rng)
    splits = Labelled(scores=train, labels_nc=train_nt), Labelled(scores=test, labels_nc=test_nt)
    n, keep = labels.n_traits, min(config.pairs, train.n_prototypes)
    candidates = best_candidates(train, train_nt, config, keep)

    def measure(chosen: Candidates, classes: NDArray[np.intp]) -> list[Regressions]:
        """The regressions of each copy of the traits."""
        found = Regressions.of(chosen, classes, *splits, config.batch_rows)
        return [found.some(slice(first, first + n)) for first in range(0, len(classes), n)]

    ranked = measure(candidates.columns(slice(n)).in_one_row(), np.tile(np.arange(n), keep))
    interval = _interval(ranked[0], splits[1], labels, config)
    permuted = None
    if n_permutations:
        by_chance = candidates.columns(slice(n, None)).best(1)
        found = measure(by_chance, np.arange(n, n * (1 + n_permutations)))
        permuted = headline_entry("permuted", train.n_prototypes, found, labels, None)
    return _Measured(
        entry=headline_entry(name, train.n_prototypes, ranked[:1], labels, interval),
        permuted=permuted,
        pairs=tuple(
            pair
            for rank, regressions in enumerate(ranked, start=1)
            for pair in pair_rows(name, rank, regressions, labels)
        ),
    )


def _interval(
    best: Regressions, test: Labelled, labels: Labels, config: LogisticConfig
) -> tuple[float, float]:
    """95 % interval of the mean AP on test, over rows."""
    measured = np.flatnonzero(labels.measured_t)
    chosen = best.chosen.columns(measured)
    scores_na, labels_na = test.columns(chosen, measured, config.batch_rows)
    return map_interval(oriented(chosen, scores_na), labels_na)
