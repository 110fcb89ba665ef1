"""Retrieval: can one prototype per trait bring the images that have it to the top?

The protocol: scores are pooled over the positions of an image; the best prototype of each trait is
chosen by average precision (AP) on train; its AP on test is reported, beside the nulls.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import TraitsError
from traits_core.probing.ap import Positives, average_precision, average_precision_pairs
from traits_core.probing.audit import check_splits
from traits_core.probing.intervals import map_interval
from traits_core.probing.retrieval_config import RetrievalConfig
from traits_core.probing.retrieval_tables import Labels, RowResult, headline_row, trait_rows
from traits_core.probing.selection import chosen_scores, select
from traits_core.protocols import ProbeSplit, ScoreMatrix
from traits_core.records import ProbeResult

METHOD = "method"
RANDOM_NULLS = ("gaussian", "activations")


@attrs.frozen
class RetrievalProbe:
    """Best prototype per trait on train, its average precision on test, and the same of the nulls.

    Rows of the tables: `constant` (every image scores the same), `permuted` (the method's scores for
    permuted labels: what the best of K reaches by luck), the random nulls, `method`, any others.

    Memory: a block of scores, the scores of the chosen prototypes [test images, traits x (1 +
    permutations)], and what `average_precision` needs for as many traits.
    """

    config: RetrievalConfig

    def __call__(self, train: ProbeSplit, test: ProbeSplit, seed: int) -> ProbeResult:
        """Return the headline (a row per scorer and null) and `traits` (a row per row and trait).

        Raises DataError for splits that cannot be probed (see `audit`) and for NaN scores.
        """
        check_splits(train, test, self.config.max_prevalence)
        labels = Labels.of(train.traits, test.traits)
        block = self.config.block
        others = {
            name: _measured(name, scores, test.scores[name], labels, block)
            for name, scores in train.scores.items()
            if name != METHOD
        }
        nulls = [others.pop(name) for name in RANDOM_NULLS if name in others]
        permuted, method = _permuted_and_method(train, test, labels, self.config, seed)
        rows = [_constant(labels), permuted, *nulls, method, *others.values()]
        return ProbeResult(
            headline=tuple(headline_row(row, labels) for row in rows),
            tables={"traits": tuple(entry for row in rows for entry in trait_rows(row, labels))},
        )


@attrs.frozen(kw_only=True, eq=False)
class _Choice:
    """The prototype of each trait, its AP on both splits, and its scores on test."""

    prototypes_t: NDArray[np.intp]
    ap_train_t: NDArray[np.float64]
    ap_t: NDArray[np.float64]
    scores_nt: NDArray[np.float32]


def _choose(
    train: ScoreMatrix,
    test: ScoreMatrix,
    train_nt: NDArray[np.bool_],
    test_nt: NDArray[np.bool_],
    block: int,
) -> _Choice:
    best = select(train, train_nt, block)
    scores_nt = chosen_scores(test, best.prototypes_t, block)
    return _Choice(
        prototypes_t=best.prototypes_t,
        ap_train_t=best.ap_t,
        ap_t=average_precision_pairs(scores_nt, test_nt),
        scores_nt=scores_nt,
    )


def _measured(
    name: str, train: ScoreMatrix, test: ScoreMatrix, labels: Labels, block: int
) -> RowResult:
    choice = _choose(train, test, labels.train_nt, labels.test_nt, block)
    return _result(name, choice, train.n_prototypes, labels)


def _permuted_and_method(
    train: ProbeSplit, test: ProbeSplit, labels: Labels, config: RetrievalConfig, seed: int
) -> tuple[RowResult, RowResult]:
    """Both in one pass: permuted labels are further columns, so each prototype is sorted once."""
    scores = train.scores[METHOD]
    rng = np.random.default_rng(seed)
    train_nt = _with_permutations(labels.train_nt, config.n_permutations, rng)
    test_nt = _with_permutations(labels.test_nt, config.n_permutations, rng)
    choice = _choose(scores, test.scores[METHOD], train_nt, test_nt, config.block)

    n_traits = labels.n_traits
    permuted = RowResult(
        row="permuted",
        n_prototypes=scores.n_prototypes,
        prototypes_t=None,
        ap_train_t=choice.ap_train_t[n_traits:].reshape(-1, n_traits).mean(axis=0),
        ap_t=choice.ap_t[n_traits:].reshape(-1, n_traits).mean(axis=0),
        interval=None,
    )
    method = _Choice(
        prototypes_t=choice.prototypes_t[:n_traits],
        ap_train_t=choice.ap_train_t[:n_traits],
        ap_t=choice.ap_t[:n_traits],
        scores_nt=choice.scores_nt[:, :n_traits],
    )
    return permuted, _result(METHOD, method, scores.n_prototypes, labels)


def _with_permutations(
    labels_nt: NDArray[np.bool_], n_permutations: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Labels [examples, traits x (1 + permutations)]; a permutation moves whole images."""
    permuted = [labels_nt[rng.permutation(len(labels_nt))] for _ in range(n_permutations)]
    return np.concatenate([labels_nt, *permuted], axis=1)


def _result(name: str, choice: _Choice, n_prototypes: int, labels: Labels) -> RowResult:
    measured_t = labels.measured_t
    return RowResult(
        row=name,
        n_prototypes=n_prototypes,
        prototypes_t=choice.prototypes_t,
        ap_train_t=choice.ap_train_t,
        ap_t=choice.ap_t,
        interval=map_interval(choice.scores_nt[:, measured_t], labels.test_nt[:, measured_t]),
    )


def _constant(labels: Labels) -> RowResult:
    ap_train_t, ap_t = (
        _ap_of_constant(labels_nt) for labels_nt in (labels.train_nt, labels.test_nt)
    )
    measured_nt = labels.test_nt[:, labels.measured_t]
    return RowResult(
        row="constant",
        n_prototypes=1,
        prototypes_t=None,
        ap_train_t=ap_train_t,
        ap_t=ap_t,
        interval=map_interval(np.zeros(measured_nt.shape, np.float32), measured_nt),
    )


def _ap_of_constant(labels_nt: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Compute it by the same kernel as everything else, and refuse to go on if it is not the prevalence."""
    scores_nk = np.zeros((len(labels_nt), 1), np.float32)
    ap_t: NDArray[np.float64] = average_precision(scores_nk, Positives.of(labels_nt))[0]
    if not np.array_equal(ap_t, labels_nt.mean(axis=0)):
        raise TraitsError(
            "the AP of constant scores is not the prevalence: average precision is computed wrongly "
            "on this machine, and no result can be trusted; please report it with your numpy version"
        )
    return ap_t
