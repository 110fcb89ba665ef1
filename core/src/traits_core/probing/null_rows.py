"""The rows that every probe shows beside the method: constant scores, permuted labels, random prototypes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from traits_core.errors import TraitsError
from traits_core.probing.ap import average_precision
from traits_core.probing.intervals import map_interval
from traits_core.probing.positives import Positives
from traits_core.probing.retrieval_tables import Labels, RowResult

METHOD = "method"
SHOWN_FIRST = ("gaussian", "activations", METHOD)


def place(name: str) -> int:
    """Where a scorer stands among the rows of a table: nulls, then the method, then any others."""
    return SHOWN_FIRST.index(name) if name in SHOWN_FIRST else len(SHOWN_FIRST)


def with_permutations(
    labels_nt: NDArray[np.bool_], n_permutations: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Labels [examples, traits x (1 + permutations)]; a permutation moves whole images."""
    permuted = [labels_nt[rng.permutation(len(labels_nt))] for _ in range(n_permutations)]
    return np.concatenate([labels_nt, *permuted], axis=1)


def constant_row(labels: Labels) -> RowResult:
    """What scores that say nothing reach: exactly the prevalence.

    Raises TraitsError when they do not.
    """
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
