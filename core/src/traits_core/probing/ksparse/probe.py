"""k-sparse probing: how well does a linear classifier on the best k prototypes know each trait?

Gurnee et al., Finding Neurons in a Haystack: Case Studies with Sparse Probing, 2023. With k = 1 it asks
what `retrieval` asks; what more prototypes add says how far a trait is spread out over them.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.ap import average_precision_pairs
from traits_core.probing.audit import check_splits
from traits_core.probing.intervals import map_interval
from traits_core.probing.ksparse.classifier import Classifier
from traits_core.probing.ksparse.config import KSparseConfig
from traits_core.probing.ksparse.features import Columns, label_correlations, strongest
from traits_core.probing.ksparse.tables import Classified, class_rows, headline_entry, sparsity_row
from traits_core.probing.null_rows import METHOD, place, with_permutations
from traits_core.probing.positives import Positives
from traits_core.probing.retrieval_tables import Labels, RowResult, trait_rows
from traits_core.protocols import ProbeSplit, ScoreMatrix
from traits_core.records import ProbeResult


@attrs.frozen
class KSparseProbe:
    """One classifier per trait and k, on the k prototypes that correlate most with it on train.

    Memory: a block of scores, correlations [prototypes, traits x (1 + permutations)], and the scores
    of the chosen prototypes, [examples, at most traits x (1 + permutations) x k].
    """

    config: KSparseConfig

    def __call__(self, train: ProbeSplit, test: ProbeSplit, seed: int) -> ProbeResult:
        """Return the headline (a row per scorer and null), and the tables `traits`, `sparsity`, `classes`.

        Raises DataError for splits that cannot be probed (see `audit`) and for scores that are not
        finite.
        """
        check_splits(train, test, self.config.max_prevalence)
        labels = Labels.of(train.traits, test.traits)
        found = [
            classified
            for name in sorted(train.scores, key=place)
            for classified in self._measure(
                name, train.scores[name], test.scores[name], labels, seed
            )
        ]
        k = max(self.config.k)
        largest = [one for one in found if one.k == min(k, one.result.n_prototypes)]
        permuted = [one for one in largest if one.result.row == "permuted"]
        others = [one for one in largest if one.result.row != "permuted"]
        shown = [Classified.constant(labels), *permuted, *others]
        tables = {
            "traits": tuple(entry for one in shown for entry in trait_rows(one.result, labels)),
            "sparsity": tuple(sparsity_row(one, labels) for one in found),
        }
        if classes := tuple(entry for one in found for entry in class_rows(one, labels)):
            tables["classes"] = classes
        headline = tuple(headline_entry(one, labels) for one in shown)
        return ProbeResult(headline=headline, tables=tables)

    def _measure(
        self, name: str, train: ScoreMatrix, test: ScoreMatrix, labels: Labels, seed: int
    ) -> list[Classified]:
        """What one scorer reaches at each k, and for permuted labels when it is the method's."""
        config = self.config
        n_permutations = config.n_permutations if name == METHOD else 0
        rng = np.random.default_rng(seed)
        train_nt = with_permutations(labels.train_nt, n_permutations, rng)
        test_nt = with_permutations(labels.test_nt, n_permutations, rng)
        chosen_tj = strongest(label_correlations(train, train_nt, config.block), max(config.k))
        train_columns = Columns.read(train, chosen_tj, config.block)
        test_columns = Columns.read(test, chosen_tj, config.block)
        found = []
        for k in sorted({min(k, train.n_prototypes) for k in config.k}):
            logits = _logits(train_columns, test_columns, train_nt, chosen_tj[:, :k], config.ridge)
            ap_train_t, ap_t = (
                _ap(logits_nt, labels_nt)
                for logits_nt, labels_nt in zip(logits, (train_nt, test_nt), strict=True)
            )
            found += _split_up(
                name, k, train.n_prototypes, chosen_tj, ap_train_t, ap_t, logits[1], labels
            )
        return found


def _logits(
    train: Columns,
    test: Columns,
    labels_nt: NDArray[np.bool_],
    chosen_tj: NDArray[np.intp],
    ridge: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits [examples, traits] on train and test of classifiers that were fitted on train."""
    found: list[Sequence[NDArray[np.float32]]] = []
    for labels_n, prototypes_j in zip(labels_nt.T, chosen_tj, strict=True):
        features_nj = train.of(prototypes_j)
        classifier = Classifier.fit(features_nj, labels_n, ridge)
        found.append((classifier.logits(features_nj), classifier.logits(test.of(prototypes_j))))
    train_nt, test_nt = (np.stack(split, axis=1) for split in zip(*found, strict=True))
    return train_nt, test_nt


def _ap(logits_nt: NDArray[np.float32], labels_nt: NDArray[np.bool_]) -> NDArray[np.float64]:
    columns = np.arange(labels_nt.shape[1])
    return average_precision_pairs(logits_nt, Positives.of(labels_nt), columns, columns)


def _split_up(
    name: str,
    k: int,
    n_prototypes: int,
    chosen_tj: NDArray[np.intp],
    ap_train_t: NDArray[np.float64],
    ap_t: NDArray[np.float64],
    logits_nt: NDArray[np.float32],
    labels: Labels,
) -> list[Classified]:
    """The row of the true labels, and the mean over permutations where there are any."""
    n_traits, measured_t = labels.n_traits, labels.measured_t
    logits_nt = logits_nt[:, :n_traits]
    interval = map_interval(logits_nt[:, measured_t], labels.test_nt[:, measured_t])
    row = RowResult(
        row=name,
        n_prototypes=n_prototypes,
        prototypes_t=chosen_tj[:n_traits, 0],
        ap_train_t=ap_train_t[:n_traits],
        ap_t=ap_t[:n_traits],
        interval=interval,
    )
    found = [Classified(k=k, result=row, logits_nt=logits_nt)]
    if len(ap_t) > n_traits:
        permuted = RowResult(
            row="permuted",
            n_prototypes=n_prototypes,
            prototypes_t=None,
            ap_train_t=ap_train_t.reshape(-1, n_traits)[1:].mean(axis=0),
            ap_t=ap_t.reshape(-1, n_traits)[1:].mean(axis=0),
            interval=None,
        )
        found.append(Classified(k=k, result=permuted, logits_nt=None))
    return found
