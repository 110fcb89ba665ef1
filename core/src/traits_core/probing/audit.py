"""What must be true of labels and scores before any number is computed from them."""

from __future__ import annotations

from traits_core.errors import DataError
from traits_core.protocols import ProbeSplit
from traits_core.records import TraitLabels


def check_splits(train: ProbeSplit, test: ProbeSplit, max_prevalence: float) -> None:
    """Refuse splits that cannot be probed, or whose labels cannot be what they claim to be.

    Raises DataError for splits that disagree about traits or prototypes, for scores that do not fit
    the labels, and for impossible label statistics (see `check_labels`).
    """
    if train.traits.names != test.traits.names:
        raise DataError(
            f"train has {len(train.traits.names)} traits and test {len(test.traits.names)}, "
            "or their names or order differ: both splits need the same traits"
        )
    if set(train.scores) != set(test.scores) or "method" not in train.scores:
        raise DataError(
            f"scores on train: {sorted(train.scores)}, on test: {sorted(test.scores)}: both splits "
            "need the same rows, `method` among them"
        )
    for split, name in ((train, "train"), (test, "test")):
        check_labels(split.traits, name, max_prevalence)
        for row, scores in split.scores.items():
            if scores.n_examples != len(split.traits.labels_nt):
                raise DataError(
                    f"{name}: {row} has scores of {scores.n_examples} examples, but "
                    f"{len(split.traits.labels_nt)} have labels: materialize the scores again"
                )
    for row, scores in train.scores.items():
        if scores.n_prototypes != test.scores[row].n_prototypes or not scores.n_prototypes:
            raise DataError(
                f"{row} has {scores.n_prototypes} prototypes on train and "
                f"{test.scores[row].n_prototypes} on test: these must be equal, and at least 1"
            )


def check_labels(traits: TraitLabels, split: str, max_prevalence: float) -> None:
    """Refuse labels whose statistics no attribute data set has.

    Attributes are mostly absent: the mean prevalence is 0.1 in CUB-200-2011 and about 0.2 in CelebA.
    A mean far above one half says that something else was read, such as "annotated" for "present",
    and then even constant scores reach a splendid mean AP.

    Raises DataError for no examples, no traits, no positives, nothing but positives, and for a mean
    prevalence above `max_prevalence`.
    """
    n_examples, n_traits = traits.labels_nt.shape
    seen = f"{split}: labels of {n_examples} examples x {n_traits} traits"
    if not traits.labels_nt.size:
        raise DataError(f"{seen}: nothing to probe; choose a split with labelled examples")
    prevalence = float(traits.labels_nt.mean())
    if prevalence in (0.0, 1.0):
        what = "all positive" if prevalence else "without a single positive"
        raise DataError(f"{seen} are {what}: no AP can tell anything; check how labels are read")
    if prevalence > max_prevalence:
        raise DataError(
            f"{seen} have a mean prevalence of {prevalence:.3f}, and {max_prevalence:g} is allowed: "
            "check that they say `present`, not `annotated` or `certain`; if they are right, raise "
            "the option max_prevalence of the probe"
        )


def describe_labels(traits: TraitLabels) -> str:
    """Say in one line what a reader should know of labels before any result."""
    n, n_traits = traits.labels_nt.shape
    counts_t = traits.labels_nt.sum(axis=0)
    if not traits.labels_nt.size:
        return f"{n:,} rows x {n_traits} labels"
    rare = int((counts_t == 0).sum())
    return (
        f"{n:,} rows x {n_traits} labels, mean prevalence {traits.labels_nt.mean():.3f}, "
        f"{counts_t.min():,} to {counts_t.max():,} positives"
        + (f", {rare} without any" if rare else "")
    )
