"""Splits that cannot be probed are refused with what the audit saw."""

import attrs
import numpy as np
import pytest

from traits_core import DataError, TraitLabels
from traits_core.probing.audit import check_splits, describe_labels


def refusal(train, test, max_prevalence=0.75):
    with pytest.raises(DataError) as caught:
        check_splits(train, test, max_prevalence)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_labels(made, labels_nt):
    names = tuple(f"trait {t}" for t in range(labels_nt.shape[1]))
    return attrs.evolve(made, traits=TraitLabels(labels_nt=labels_nt, names=names, groups=names))


def test_good_splits_pass(planted):
    check_splits(planted(0), planted(1, n=30), 0.75)


def test_no_examples_are_refused(split, planted):
    empty = split(np.zeros((0, 6), bool), **{name: np.zeros((0, 24)) for name in planted().scores})
    assert "test: labels of 0 examples x 6 traits" in refusal(planted(), empty)
    assert "train: labels of 0 examples" in refusal(empty, planted())


def test_no_traits_are_refused(planted):
    none = with_labels(planted(), np.zeros((80, 0), bool))
    assert "80 examples x 0 traits" in refusal(none, none)


def test_labels_without_a_positive_are_refused(planted):
    labels_nt = np.zeros((80, 6), bool)
    assert "without a single positive" in refusal(planted(), with_labels(planted(), labels_nt))


def test_labels_that_are_all_positive_are_refused_whatever_is_allowed(planted):
    labels_nt = np.ones((80, 6), bool)
    assert "all positive" in refusal(planted(), with_labels(planted(), labels_nt), 1.0)


def test_labels_that_say_annotated_instead_of_present_are_refused(planted):
    """Certainty read as presence makes 83 % of labels positive, and constant scores look splendid."""
    labels_nt = np.random.default_rng(0).random((80, 6)) < 0.83
    made = with_labels(planted(), labels_nt)
    message = refusal(made, planted())
    assert f"mean prevalence of {labels_nt.mean():.3f}" in message
    assert "max_prevalence" in message
    check_splits(made, made, 1.0)


def test_scores_of_another_number_of_examples_are_refused(planted):
    long, short = planted(0, n=80), planted(1, n=50)
    wrong = attrs.evolve(short, scores=long.scores)
    assert "scores of 80 examples, but 50 have labels" in refusal(long, wrong)


def test_another_number_of_prototypes_is_refused(planted):
    assert "24 prototypes on train and 12 on test" in refusal(planted(k=24), planted(k=12))


def test_other_traits_are_refused(planted):
    assert "same traits" in refusal(planted(t=6), planted(t=5))
    renamed = planted()
    renamed = attrs.evolve(
        renamed, traits=attrs.evolve(renamed.traits, names=renamed.traits.names[::-1])
    )
    assert "order" in refusal(planted(), renamed)


def test_missing_rows_are_refused(planted):
    made = planted()
    fewer = attrs.evolve(made, scores={"method": made.scores["method"]})
    assert "same rows" in refusal(made, fewer)
    no_method = attrs.evolve(made, scores={"gaussian": made.scores["gaussian"]})
    assert "`method`" in refusal(no_method, no_method)


def test_labels_are_described_by_prevalence_and_counts(split):
    labels_nt = np.zeros((10, 3), bool)
    labels_nt[:4, 0] = labels_nt[:2, 1] = True
    described = describe_labels(split(labels_nt).traits)
    assert described == (
        "10 rows x 3 labels, mean prevalence 0.200, 0 to 4 positives, 1 without any"
    )
