"""How the logistic probe's numbers become tidy tables of plain JSON values; undefined is None."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traits_core.probing.logistic.newton import null_loss
from traits_core.probing.logistic.regressions import Regressions
from traits_core.probing.retrieval_tables import Labels, RowResult, headline_row


def headline_entry(
    row: str,
    n_prototypes: int,
    found: Sequence[Regressions],
    labels: Labels,
    interval: tuple[float, float] | None,
) -> Mapping[str, Any]:
    """Sum one row up, averaged over `found`: columns of `retrieval`, and those of probabilities.

    `r2`, `loss` and `null_loss` are over the traits that are in both splits, `f1` over those in test.
    """
    both_t = labels.selectable_t & labels.measured_t
    null_t, null_train_t = null_losses(labels)
    result = RowResult(
        row=row,
        n_prototypes=n_prototypes,
        prototypes_t=None,
        ap_train_t=np.mean([one.train.ap_a for one in found], axis=0),
        ap_t=np.mean([one.test.ap_a for one in found], axis=0),
        interval=interval,
    )
    return {
        **headline_row(
            result,
            labels,
            r2=_mean([mcfadden(one.test.loss_a, null_t)[both_t] for one in found]),
            loss=_mean([one.test.loss_a[both_t] for one in found]),
            f1=_mean([one.test.f1_a[labels.measured_t] for one in found]),
        ),
        "r2_train": _mean([mcfadden(one.train.loss_a, null_train_t)[both_t] for one in found]),
        "null_loss": _mean([null_t[both_t]]),
        "n_separable": float(np.mean([one.separable_a.sum() for one in found])),
        "n_unconverged": float(np.mean([(~one.chosen.converged_mc[0]).sum() for one in found])),
    }


def constant_entry(result: RowResult, labels: Labels) -> Mapping[str, Any]:
    """The same of scores that say nothing: their regression is the prevalence in train."""
    both_t = labels.selectable_t & labels.measured_t
    null_t, _ = null_losses(labels)
    zeros_t = np.zeros(labels.n_traits)
    prevalence_t = labels.prevalence_t[labels.measured_t]
    return {
        **headline_row(
            result,
            labels,
            r2=_mean([mcfadden(null_t, null_t)[both_t]]),
            loss=_mean([null_t[both_t]]),
            f1=_mean([2 * prevalence_t / (1 + prevalence_t)]),
        ),
        "r2_train": _mean([zeros_t[both_t]]),
        "null_loss": _mean([null_t[both_t]]),
        "n_separable": 0.0,
        "n_unconverged": 0.0,
    }


def pair_rows(
    row: str, rank: int, found: Regressions, labels: Labels
) -> Iterator[Mapping[str, Any]]:
    """One entry per trait: the regression on its best prototype (rank 1), or second best..."""
    chosen, train, test = found.chosen, found.train, found.test
    null_t, null_train_t = null_losses(labels)
    r2_t, r2_train_t = mcfadden(test.loss_a, null_t), mcfadden(train.loss_a, null_train_t)
    slope_t = chosen.slope_mc[0] / np.where(chosen.sd_mc[0] > 0, chosen.sd_mc[0], 1.0)
    intercept_t = chosen.intercept_mc[0] - slope_t * chosen.mean_mc[0]
    threshold_t = found.threshold_a * np.where(slope_t < 0, -1, 1)
    for t, (name, group) in enumerate(zip(labels.names, labels.groups, strict=True)):
        in_train, in_test = labels.selectable_t[t], labels.measured_t[t]
        yield {
            "row": row,
            "trait": name,
            "group": group,
            "rank": rank,
            "prototype": int(chosen.prototype_mc[0, t]),
            "ridge": float(chosen.ridge_mc[0, t]),
            "slope": _defined(slope_t[t]),
            "intercept": _defined(intercept_t[t]),
            "loss_train": _defined(train.loss_a[t]),
            "loss": _defined(test.loss_a[t]),
            "null_loss": _defined(null_t[t]),
            "r2_train": _defined(r2_train_t[t]),
            "r2": _defined(r2_t[t]),
            "ap_train": _defined(train.ap_a[t], in_train),
            "ap": _defined(test.ap_a[t], in_test),
            "threshold": _defined(threshold_t[t], in_train and slope_t[t] != 0),
            "precision": _defined(test.precision_a[t], in_test),
            "recall": _defined(test.recall_a[t], in_test),
            "f1": _defined(test.f1_a[t], in_test),
            "prevalence": float(labels.prevalence_t[t]),
            "n_positive": int(labels.test_nt[:, t].sum()),
            "n_positive_train": int(labels.train_nt[:, t].sum()),
            "converged": bool(chosen.converged_mc[0, t]),
            "separable": bool(found.separable_a[t]),
        }


def null_losses(labels: Labels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The loss, on test and on train, of answering with the prevalence in train; may be inf on test."""
    train_t, test_t = labels.train_nt.mean(axis=0), labels.prevalence_t
    with np.errstate(divide="ignore", invalid="ignore"):
        yes_t = np.where(test_t > 0, -test_t * np.log(train_t), 0.0)
        no_t = np.where(test_t < 1, -(1 - test_t) * np.log1p(-train_t), 0.0)
    return yes_t + no_t, null_loss(train_t)


def mcfadden(loss_t: NDArray[np.float64], null_t: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - loss / null loss (McFadden, 1974); NaN where the null is certain, or deems impossible what is."""
    defined_t = np.isfinite(loss_t) & np.isfinite(null_t) & (null_t > 0)
    share_t = np.full(len(loss_t), np.nan)
    np.divide(loss_t, null_t, out=share_t, where=defined_t)
    return 1 - share_t


def _mean(values: Sequence[NDArray[np.float64]]) -> float | None:
    every = np.concatenate(values)
    finite = every[np.isfinite(every)]
    return float(finite.mean()) if len(finite) else None


def _defined(value: Any, condition: Any = True) -> float | None:
    return float(value) if condition and np.isfinite(value) else None
