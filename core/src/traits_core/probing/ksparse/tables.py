"""How the k-sparse probe's numbers become tidy tables of plain JSON values."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.null_rows import constant_row
from traits_core.probing.retrieval_tables import Labels, RowResult, headline_row


@attrs.frozen(kw_only=True, eq=False)
class Classified:
    """What the classifiers on `k` prototypes of one scorer reached.

    Parameters
    ----------
    k: prototypes that each classifier uses
    result: their AP
    logits_nt: on test; None where labels were permuted
    """

    k: int
    result: RowResult
    logits_nt: NDArray[np.floating[Any]] | None

    @classmethod
    def constant(cls, labels: Labels) -> Self:
        """Classifiers on no prototype: for every example, they answer with the prevalence in train."""
        prevalence_nt = np.broadcast_to(labels.train_nt.mean(axis=0), labels.test_nt.shape)
        return cls(k=0, result=constant_row(labels), logits_nt=prevalence_nt)


def headline_entry(found: Classified, labels: Labels) -> Mapping[str, Any]:
    """The columns of every probe, and k, and the mean accuracy over groups of classes, None without any."""
    accuracies = [entry["accuracy"] for entry in class_rows(found, labels)]
    accuracy = statistics.fmean(accuracies) if accuracies else None
    return headline_row(found.result, labels, k=found.k, accuracy=accuracy)


def sparsity_row(found: Classified, labels: Labels) -> Mapping[str, Any]:
    """What one scorer reaches at one k, in short."""
    headline = headline_row(found.result, labels)
    return {"row": headline["row"], "k": found.k} | {
        key: headline[key] for key in ("map", "map_ci95_low", "map_ci95_high", "lift", "map_train")
    }


def class_rows(found: Classified, labels: Labels) -> Iterator[Mapping[str, Any]]:
    """Accuracy on each group of traits that are classes: every example has exactly one of them.

    The class with the highest logit is predicted. `accuracy_majority` is reached by always naming
    the most frequent class of train.
    """
    if found.logits_nt is None:
        return
    for group, traits_c in _partitions(labels).items():
        true_n = labels.test_nt[:, traits_c].argmax(axis=1)
        named_n = found.logits_nt[:, traits_c].argmax(axis=1)
        majority = labels.train_nt[:, traits_c].sum(axis=0).argmax()
        yield {
            "row": found.result.row,
            "k": found.k,
            "group": group,
            "n_classes": len(traits_c),
            "accuracy": float((named_n == true_n).mean()),
            "accuracy_majority": float((true_n == majority).mean()),
        }


def _partitions(labels: Labels) -> dict[str, NDArray[np.intp]]:
    """The traits of each group of two or more of which every example, on train and test, has one."""
    found = {}
    for group in dict.fromkeys(labels.groups):
        traits_c = np.flatnonzero([name == group for name in labels.groups])
        once = all(
            (labels_nt[:, traits_c].sum(axis=1) == 1).all()
            for labels_nt in (labels.train_nt, labels.test_nt)
        )
        if once and len(traits_c) > 1:
            found[group] = traits_c
    return found
