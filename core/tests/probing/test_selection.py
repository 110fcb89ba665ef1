"""The choice of prototypes is a function of the scores, never of blocks or rounding."""

import numpy as np
import pytest

from traits_core.probing.ap import average_precision
from traits_core.probing.positives import Positives
from traits_core.probing.selection import (
    Best,
    Chooser,
    ap_of_choices,
    chosen_scores,
    select,
)


def choose(scores, labels_nt, block):
    chooser = Chooser(positives=Positives.of(labels_nt))
    ((best,),) = select(scores, [chooser], [scores.n_prototypes], block)
    return best


def test_the_lowest_of_equally_good_prototypes_is_chosen():
    ap_kt = np.array([[0.3, 0.5], [0.7, 0.5], [0.7 + 1e-15, 0.4], [0.7 - 1e-15, 0.5 + 2e-12]])
    best = Best.none(2).and_then(ap_kt, 0)
    assert best.prototypes_t.tolist() == [1, 3]
    assert best.ap_t.tolist() == [0.7, 0.5 + 2e-12]


def test_rounding_does_not_move_a_choice_made_in_an_earlier_block():
    best = Best.none(1).and_then(np.array([[0.2], [0.7]]), 0)
    best = best.and_then(np.array([[0.7 + 5e-16], [0.1]]), 2)
    assert best.prototypes_t.tolist() == [1]
    best = best.and_then(np.array([[0.1], [0.7 + 1e-9]]), 4)
    assert best.prototypes_t.tolist() == [5]


@pytest.mark.parametrize("block", [1, 2, 7, 24, 1000])
def test_blocks_do_not_change_the_choice(planted, block):
    made = planted(k=24)
    scores, labels_nt = made.scores["method"], made.traits.labels_nt
    scores.scores_nk[:, 20:] = scores.scores_nk[:, 2:6]  # equal prototypes in other blocks
    whole = choose(scores, labels_nt, 24)
    scores.read.clear()
    blocked = choose(scores, labels_nt, block)
    np.testing.assert_array_equal(blocked.prototypes_t, whole.prototypes_t)
    np.testing.assert_array_equal(blocked.ap_t, whole.ap_t)
    assert max(stop - start for start, stop in scores.read) <= block
    assert sum(stop - start for start, stop in scores.read) == 24


def test_planted_prototypes_are_found(planted):
    made = planted(strength=4.0)
    best = choose(made.scores["method"], made.traits.labels_nt, 10)
    assert best.prototypes_t.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("k", [1, 5, 24])
def test_a_trait_without_positives_gets_prototype_zero_whatever_the_number(planted, k):
    made = planted(k=24)
    made.traits.labels_nt[:, 2] = False
    best = choose(
        type(made.scores["method"])(made.scores["method"].scores_nk[:, :k]),
        made.traits.labels_nt,
        4,
    )
    assert best.prototypes_t[2] == 0
    assert best.ap_t[2] == 0


def test_chosen_scores_are_columns_of_the_matrix_and_unneeded_blocks_are_not_read(planted):
    scores = planted(k=24).scores["method"]
    chosen_nt = chosen_scores(scores, np.array([7, 0, 7, 23]), 8)
    np.testing.assert_array_equal(chosen_nt, scores.scores_nk[:, [7, 0, 7, 23]])
    assert scores.read == [(0, 8), (16, 24)]


@pytest.mark.parametrize("block", [1, 5, 100])
def test_prefixes_and_subsets_in_one_pass_equal_a_pass_for_each(planted, block):
    made = planted(k=24)
    scores, labels_nt = made.scores["method"], made.traits.labels_nt
    rows = [np.array([3, 50, 7, 21, 9, 60, 11]), np.arange(0, 80, 2)]
    choosers = [Chooser(examples_m=r, positives=Positives.of(labels_nt[r])) for r in rows]
    found = select(scores, choosers, [2, 10, 24], block)
    assert sum(stop - start for start, stop in scores.read) == 24
    for bests, r in zip(found, rows, strict=True):
        for best, k in zip(bests, [2, 10, 24], strict=True):
            alone = choose(type(scores)(scores.scores_nk[r][:, :k]), labels_nt[r], 24)
            np.testing.assert_array_equal(best.prototypes_t, alone.prototypes_t)
            np.testing.assert_array_equal(best.ap_t, alone.ap_t)


@pytest.mark.parametrize("block", [1, 5, 100])
def test_ap_of_choices_are_entries_of_the_matrix(planted, block):
    made = planted(k=24)
    scores, labels_nt = made.scores["method"], made.traits.labels_nt
    prototypes_ct = np.random.default_rng(0).integers(24, size=(7, labels_nt.shape[1]))
    prototypes_ct[3] = prototypes_ct[4]
    ap_kt = average_precision(scores.scores_nk, Positives.of(labels_nt))
    np.testing.assert_array_equal(
        ap_of_choices(scores, labels_nt, prototypes_ct, block),
        np.take_along_axis(ap_kt, prototypes_ct, axis=0),
    )
