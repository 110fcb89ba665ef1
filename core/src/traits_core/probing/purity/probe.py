"""Purity: are the rows that go to one prototype of one kind?

Every row, an image or a position of one, goes to the prototype that scores it highest. What the rows of a
prototype have in common is learned on train; whether it holds is measured on test. With `--pooling none`
and a segmentation this is how clusterings of patches are judged.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.ap import average_precision_pairs
from traits_core.probing.audit import check_splits
from traits_core.probing.intervals import map_interval
from traits_core.probing.null_rows import METHOD, constant_row, place, with_permutations
from traits_core.probing.positives import Positives
from traits_core.probing.purity.assignment import Contingency, assign
from traits_core.probing.purity.config import PurityConfig
from traits_core.probing.purity.tables import Sorting, headline, prototype_rows
from traits_core.probing.retrieval_tables import Labels, RowResult, trait_rows
from traits_core.protocols import ProbeSplit
from traits_core.records import ProbeResult


@attrs.frozen
class PurityProbe:
    """Purity, IoU and mutual information of prototypes as clusters, and AP of what clusters predict.

    Memory: some rows of scores, counts [prototypes, traits], predictions [test rows, traits].
    """

    config: PurityConfig

    def __call__(self, train: ProbeSplit, test: ProbeSplit, seed: int) -> ProbeResult:
        """Return the headline (a row per scorer and null), and the tables `traits` and `prototypes`.

        Raises DataError for splits that cannot be probed (see `audit`) and for NaN scores.
        """
        check_splits(train, test, self.config.max_prevalence)
        labels = Labels.of(train.traits, test.traits)
        clusters = {
            name: Clusters(
                train_n=assign(train.scores[name], self.config.rows),
                test_n=assign(test.scores[name], self.config.rows),
                n_prototypes=train.scores[name].n_prototypes,
            )
            for name in sorted(train.scores, key=place)
        }
        found = {name: one.sort(name, labels) for name, one in clusters.items()}
        constant = clusters[METHOD].as_one().sort("constant", labels)
        rows = [
            attrs.evolve(constant, result=constant_row(labels)),
            self._permuted(clusters[METHOD], labels, seed),
            *found.values(),
        ]
        return ProbeResult(
            headline=tuple(headline(one, labels) for one in rows),
            tables={
                "traits": tuple(e for one in rows for e in trait_rows(one.result, labels)),
                "prototypes": tuple(prototype_rows(found[METHOD], labels)),
            },
        )

    def _permuted(self, clusters: Clusters, labels: Labels, seed: int) -> Sorting:
        """What the method's clusters reach for labels of other rows, on average."""
        rng, n = np.random.default_rng(seed), self.config.n_permutations
        train, test = (
            np.split(with_permutations(labels_nt, n, rng)[:, labels.n_traits :], n, axis=1)
            for labels_nt in (labels.train_nt, labels.test_nt)
        )
        return Sorting.mean_of(
            [
                clusters.sort("permuted", attrs.evolve(labels, train_nt=train_nt, test_nt=test_nt))
                for train_nt, test_nt in zip(train, test, strict=True)
            ]
        )


@attrs.frozen(kw_only=True, eq=False)
class Clusters:
    """The prototype that each row of train and of test goes to."""

    train_n: NDArray[np.intp]
    test_n: NDArray[np.intp]
    n_prototypes: int

    def as_one(self) -> Clusters:
        """All rows in a single cluster: what scores that say nothing give."""
        train_n, test_n = np.zeros_like(self.train_n), np.zeros_like(self.test_n)
        return Clusters(train_n=train_n, test_n=test_n, n_prototypes=1)

    def sort(self, name: str, labels: Labels) -> Sorting:
        """Learn the labels of each cluster on train, and see on test."""
        learned = Contingency.of(self.train_n, labels.train_nt, self.n_prototypes)
        measured = Contingency.of(self.test_n, labels.test_nt, self.n_prototypes)
        shares_kt = learned.shares_kt.astype(np.float32)
        shown_nt = shares_kt[self.test_n]
        measured_t = labels.measured_t
        result = RowResult(
            row=name,
            n_prototypes=self.n_prototypes,
            prototypes_t=learned.ious_kt.argmax(axis=0),
            ap_train_t=_ap(shares_kt[self.train_n], labels.train_nt),
            ap_t=_ap(shown_nt, labels.test_nt),
            interval=map_interval(shown_nt[:, measured_t], labels.test_nt[:, measured_t]),
        )
        return Sorting.of(result, learned, measured)


def _ap(shares_nt: NDArray[np.float32], labels_nt: NDArray[np.bool_]) -> NDArray[np.float64]:
    columns = np.arange(labels_nt.shape[1])
    return average_precision_pairs(shares_nt, Positives.of(labels_nt), columns, columns)
