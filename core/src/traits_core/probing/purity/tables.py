"""How the purity probe's numbers become tidy tables of plain JSON values."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import attrs
import numpy as np

from traits_core.probing.purity.assignment import Contingency
from traits_core.probing.retrieval_tables import Labels, RowResult, headline_row


@attrs.frozen(kw_only=True, eq=False)
class Sorting:
    """What one scorer or null reached as a clustering.

    Parameters
    ----------
    result: AP of the share of each label among the train rows of the prototype that a row goes to
    learned, measured: counts on train and on test
    purity: share of test rows that have the label which is most frequent among their prototype's train
        rows; rows of prototypes that no train row went to are left out
    iou: mean over labels of the test IoU of the prototype with the best IoU on train
    information: normalised mutual information on test; None unless every row has one label
    alive: prototypes that a test row went to
    """

    result: RowResult
    learned: Contingency
    measured: Contingency
    purity: float
    iou: float
    information: float | None
    alive: int

    @classmethod
    def of(cls, result: RowResult, learned: Contingency, measured: Contingency) -> Self:
        """Sum the counts up."""
        known_k = learned.rows_k[:-1] > 0
        named_k = learned.hits_kt[:-1].argmax(axis=1)
        hits_k = np.take_along_axis(measured.hits_kt[:-1], named_k[:, None], axis=1)[:, 0]
        rows = int(measured.rows_k[:-1][known_k].sum())
        best_t = learned.ious_kt.argmax(axis=0)
        ious_t = measured.ious_kt[best_t, np.arange(len(best_t))]
        present_t = measured.hits_kt.sum(axis=0) > 0
        return cls(
            result=result,
            learned=learned,
            measured=measured,
            purity=float(hits_k[known_k].sum() / rows) if rows else 0.0,
            iou=float(ious_t[present_t].mean()) if present_t.any() else 0.0,
            information=measured.mutual_information,
            alive=int((measured.rows_k[:-1] > 0).sum()),
        )

    @classmethod
    def mean_of(cls, found: Sequence[Self]) -> Self:
        """Means over permutations of the labels; counts are of the first."""
        first, results = found[0], [one.result for one in found]
        known = [one.information for one in found if one.information is not None]
        return attrs.evolve(
            first,
            result=attrs.evolve(
                first.result,
                prototypes_t=None,
                interval=None,
                ap_train_t=np.mean([result.ap_train_t for result in results], axis=0),
                ap_t=np.mean([result.ap_t for result in results], axis=0),
            ),
            purity=statistics.fmean(one.purity for one in found),
            iou=statistics.fmean(one.iou for one in found),
            information=statistics.fmean(known) if known else None,
        )


def headline(found: Sorting, labels: Labels) -> Mapping[str, Any]:
    """The columns of every probe, and purity, IoU, mutual information, and how many are not dead."""
    return headline_row(
        found.result,
        labels,
        purity=found.purity,
        iou=found.iou,
        nmi=found.information,
        n_alive=found.alive,
    )


def prototype_rows(found: Sorting, labels: Labels) -> Iterator[Mapping[str, Any]]:
    """One entry per prototype that any row went to, with the label of most of its train rows.

    `purity` and `iou` are on test; None for a prototype that no test row, or no train row, went to.
    """
    learned, measured = found.learned, found.measured
    ious_kt = measured.ious_kt
    for k in np.flatnonzero((learned.rows_k + measured.rows_k)[:-1]).tolist():
        named = int(learned.hits_kt[k].argmax())
        known = learned.rows_k[k] > 0 and measured.rows_k[k] > 0
        yield {
            "prototype": k,
            "trait": labels.names[named] if learned.rows_k[k] else None,
            "group": labels.groups[named] if learned.rows_k[k] else None,
            "n_train": int(learned.rows_k[k]),
            "n": int(measured.rows_k[k]),
            "purity_train": float(learned.hits_kt[k, named] / learned.rows_k[k])
            if learned.rows_k[k]
            else None,
            "purity": float(measured.hits_kt[k, named] / measured.rows_k[k]) if known else None,
            "iou": float(ious_kt[k, named]) if known else None,
        }
