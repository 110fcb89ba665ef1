"""How the retrieval probe's numbers become tidy tables of plain JSON values; undefined is None."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.records import TraitLabels


@attrs.frozen(kw_only=True, eq=False)
class Labels:
    """The labels of both splits.

    Parameters
    ----------
    names, groups: of the traits
    train_nt, test_nt: bool [examples, traits]
    selectable_t: traits with a positive in train; the others get prototype 0
    measured_t: traits with a positive in test; the others have no AP
    prevalence_t: in test
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    train_nt: NDArray[np.bool_]
    test_nt: NDArray[np.bool_]
    selectable_t: NDArray[np.bool_]
    measured_t: NDArray[np.bool_]
    prevalence_t: NDArray[np.float64]

    @classmethod
    def of(cls, train: TraitLabels, test: TraitLabels) -> Self:
        """Take the labels of two splits that agree about their traits."""
        return cls(
            names=test.names,
            groups=test.groups,
            train_nt=train.labels_nt,
            test_nt=test.labels_nt,
            selectable_t=train.labels_nt.sum(axis=0) > 0,
            measured_t=test.labels_nt.sum(axis=0) > 0,
            prevalence_t=test.labels_nt.mean(axis=0),
        )

    @property
    def n_traits(self) -> int:
        """The number of traits, measured or not."""
        return len(self.names)


@attrs.frozen(kw_only=True, eq=False)
class RowResult:
    """What one scorer or null reached.

    Parameters
    ----------
    row: its name
    n_prototypes: how many there were to choose from
    prototypes_t: the chosen one of each trait; None when there is no single one
    ap_train_t, ap_t: average precision on train and test
    interval: 95 % interval of the mean AP on test, over images; None when it has none
    """

    row: str
    n_prototypes: int
    prototypes_t: NDArray[np.intp] | None
    ap_train_t: NDArray[np.float64]
    ap_t: NDArray[np.float64]
    interval: tuple[float, float] | None


def headline_row(result: RowResult, labels: Labels, **telling: float | None) -> Mapping[str, Any]:
    """Sum one row up: `map` with its interval, what is most `telling` of the probe, and the rest.

    `map`, `lift`, `prevalence` and the percentiles are over the `n_traits` traits that have a
    positive in test; `n_traits_skipped` have none. `n_traits_unselected` have none in train: they
    count, with prototype 0. `map_train` is over the traits with a positive in train. `lift` is the
    mean of (AP - prevalence) / (1 - prevalence). `ap_p05_traits` and `ap_p95_traits` say how traits
    differ; `map_ci95_low` and `map_ci95_high`, how far `map` would move with other test images.
    """
    measured_t = labels.measured_t
    ap_t = result.ap_t[measured_t]
    lift_t = _lift(result.ap_t, labels)
    low, high = result.interval or (None, None)
    return {
        "row": result.row,
        "map": float(ap_t.mean()),
        "map_ci95_low": low,
        "map_ci95_high": high,
        **telling,
        "lift": float(np.nanmean(lift_t)) if not np.isnan(lift_t).all() else None,
        "prevalence": float(labels.prevalence_t[measured_t].mean()),
        "n_prototypes": result.n_prototypes,
        "map_train": float(result.ap_train_t[labels.selectable_t].mean()),
        "n_traits": int(measured_t.sum()),
        "n_traits_skipped": int((~measured_t).sum()),
        "n_traits_unselected": int((measured_t & ~labels.selectable_t).sum()),
        "ap_p05_traits": float(np.percentile(ap_t, 5)),
        "ap_p95_traits": float(np.percentile(ap_t, 95)),
    }


def trait_rows(result: RowResult, labels: Labels) -> Iterator[Mapping[str, Any]]:
    """One entry per trait: `ap` is None without a positive in test, `ap_train` without one in train."""
    lift_t = _lift(result.ap_t, labels)
    for t, (name, group) in enumerate(zip(labels.names, labels.groups, strict=True)):
        yield {
            "row": result.row,
            "trait": name,
            "group": group,
            "prototype": None if result.prototypes_t is None else int(result.prototypes_t[t]),
            "ap_train": float(result.ap_train_t[t]) if labels.selectable_t[t] else None,
            "ap": float(result.ap_t[t]) if labels.measured_t[t] else None,
            "prevalence": float(labels.prevalence_t[t]),
            "lift": None if np.isnan(lift_t[t]) else float(lift_t[t]),
            "n_positive": int(labels.test_nt[:, t].sum()),
            "n_positive_train": int(labels.train_nt[:, t].sum()),
        }


def _lift(ap_t: NDArray[np.float64], labels: Labels) -> NDArray[np.float64]:
    """(AP - prevalence) / (1 - prevalence); NaN for traits that no or every test image has."""
    defined_t = labels.measured_t & (labels.prevalence_t < 1)
    lift_t = np.full(len(ap_t), np.nan)
    above_t = ap_t - labels.prevalence_t
    np.divide(above_t, 1 - labels.prevalence_t, out=lift_t, where=defined_t)
    return lift_t
