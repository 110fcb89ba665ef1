"""What a probe must keep: nulls beside every number, selection on train alone, the same from the same."""

from __future__ import annotations

import json
from typing import Final, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.protocols import ScoreMatrix
from traits_core.records import ScoreEntries
from traits_core.scoring.entries import entries_of
from traits_core.testing.case import Case, Check
from traits_core.testing.expect import NotApplicable, expect, expect_refusal, fail
from traits_core.testing.small_probe import (
    Split,
    map_scores,
    maps,
    measure,
    reordered,
    small_splits,
)
from traits_core.testing.surroundings import other_global_seed, untouched

ROWS: Final = ("constant", "permuted", "gaussian", "activations", "method")
MANY: Final = 1024
TOLERANCE: Final = 1e-9
ASSIGNS: Final = "assigns-rows"


def check_headline_has_its_nulls(case: Case) -> None:
    """The headline has a row for the method and for each null, and `map` is a number in each."""
    result = measure(case, *small_splits())
    found = maps(result)
    missing = [row for row in ROWS if row not in found]
    expect(not missing, f"rows that are missing from the headline: {', '.join(missing)}")
    expect(len(found) == len(result.headline), "two rows of the headline have one name")
    for row, value in found.items():
        expect(type(value) is float and 0 <= value <= 1, f"`map` of {row!r} is {value!r}")


def check_tables_are_tidy(case: Case) -> None:
    """Tables are plain JSON without NaN; their rows share their keys, and a column is of one type."""
    import pyarrow as pa

    result = measure(case, *small_splits())
    for name, table in {"headline": result.headline, **result.tables}.items():
        expect(table, f"table {name!r} is empty")
        for row in table:
            expect(
                list(row) == list(table[0]), f"table {name!r}: rows with other columns: {list(row)}"
            )
            for column, value in row.items():
                plain = value is None or type(value) in (bool, int, float, str)
                expect(
                    plain, f"table {name!r}, {column!r}: {type(value).__name__} is no JSON value"
                )
        try:
            json.dumps([dict(row) for row in table], allow_nan=False)
            pa.Table.from_pylist([dict(row) for row in table])
        except (ValueError, TypeError, pa.ArrowException) as error:
            fail(f"table {name!r} cannot be written: {error}")


def check_constant_scores_give_the_prevalence(case: Case) -> None:
    """Scores that say nothing reach the prevalence: the null row does, and so does a dead method."""
    train, test = (map_scores(split, np.zeros_like) for split in small_splits())
    prevalence = float(test.traits.labels_nt.mean())
    found = maps(measure(case, train, test))
    for row in ("constant", "method"):
        near = abs(found[row] - prevalence) < TOLERANCE
        expect(near, f"`map` of {row!r} is {found[row]} for constant scores, not {prevalence}")


def check_example_order_does_not_matter(case: Case) -> None:
    """The examples in another order give the same numbers, but for the permuted labels."""
    train, test = small_splits()
    first = maps(measure(case, train, test))
    other = maps(measure(case, reordered(train, 1), reordered(test, 2)))
    for row in (row for row in first if row != "permuted"):
        near = abs(first[row] - other[row]) < TOLERANCE
        expect(near, f"`map` of {row!r} is {first[row]}, and {other[row]} in another order")


def check_tied_scores_do_not_depend_on_the_order(case: Case) -> None:
    """Tied scores are one threshold: which of them comes first does not matter."""
    train, test = (map_scores(split, np.round) for split in small_splits())
    first = maps(measure(case, train, test))["method"]
    for seed in range(3):
        other = maps(measure(case, train, reordered(test, seed)))["method"]
        near = abs(first - other) < TOLERANCE
        expect(near, f"`map` with tied scores is {first}, and {other} in another order")


def check_selection_ignores_test(case: Case) -> None:
    """A prototype that says nothing on train cannot help on test, however good it is there."""
    _expect_choice(case)
    train, test = small_splits()
    blind, tempted = (
        maps(measure(case, _with_silent(train), other))["method"]
        for other in (_with_silent(test), _with_perfect(test))
    )
    expect(
        abs(blind - tempted) < TOLERANCE,
        f"`map` goes from {blind} to {tempted} by prototypes that are constant on train and "
        "perfect on test: select on train only",
    )


def check_perfect_scores_reach_one(case: Case) -> None:
    """A prototype per trait that equals its labels, on train and test, is found and reaches 1."""
    _expect_choice(case)
    train, test = map(_with_perfect, small_splits())
    found = maps(measure(case, train, test))["method"]
    expect(found > 1 - TOLERANCE, f"`map` is {found} for scores that equal the labels, not 1")


def check_results_are_measured_on_test(case: Case) -> None:
    """Prototypes that are perfect on train and constant on test do not reach 1."""
    train, test = small_splits()
    found = maps(measure(case, _with_perfect(train), _with_silent(test)))["method"]
    expect(found < 0.99, f"`map` is {found} for scores that are constant on test: measure on test")


def check_seed_decides(case: Case) -> None:
    """The same seed gives the same tables, whatever else drew random numbers."""
    results = []
    for seed in (1, 2):
        with other_global_seed(seed):
            results.append(measure(case, *small_splits()))
    for before, after in zip(results[0].headline, results[1].headline, strict=True):
        expect(dict(before) == dict(after), f"one seed, two results: {before} and {after}")
    expect(results[0] == results[1], "one seed gives two different tables beside the headline")


def check_labels_are_left_alone(case: Case) -> None:
    """The labels are not written to."""
    splits, kept = small_splits(), small_splits()
    measure(case, *splits)
    for split, before in zip(splits, kept, strict=True):
        same = np.array_equal(split.traits.labels_nt, before.traits.labels_nt)
        expect(same, "the labels are changed by the probe: work on a copy")


def check_bad_scores_are_refused(case: Case) -> None:
    """NaN scores, scores of other examples, and splits with other traits are refused."""
    train, test = small_splits()
    nan_train, nan_test = (map_scores(split, _nan_like) for split in (train, test))
    shorter = map_scores(test, lambda scores_nk: scores_nk[1:])
    other_names = tuple(f"other {name}" for name in test.traits.names)
    renamed = attrs.evolve(test, traits=attrs.evolve(test.traits, names=other_names))
    for what, splits in (
        ("NaN scores on train", (nan_train, test)),
        ("NaN scores on test", (train, nan_test)),
        ("scores of one example fewer than there are labels", (train, shorter)),
        ("another trait on test", (train, renamed)),
    ):
        expect_refusal(what, measure, case, *splits)


def check_scores_are_read_in_blocks(case: Case) -> None:
    """Of 1,024 prototypes at most half are read at once: memory does not grow with their number."""
    train, test = map(_with_many, small_splits())
    measure(case, train, test)


def check_global_state_is_untouched(case: Case) -> None:
    """Measuring leaves the process as it was."""
    with untouched("the probe"):
        measure(case, *small_splits())


@attrs.frozen(eq=False)
class _Many:
    """Scores of 1,024 prototypes, made of few when they are read."""

    few: ScoreMatrix

    @property
    def n_examples(self) -> int:
        return self.few.n_examples

    @property
    def n_prototypes(self) -> int:
        return MANY

    @property
    def format(self) -> Literal["dense", "sparse"]:
        return "dense"

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        return self._columns(self.few.rows(start, stop), 0, MANY)

    def entries(self, start: int, stop: int) -> ScoreEntries:
        return entries_of(self.rows(start, stop))

    def block(self, start: int, stop: int) -> NDArray[np.float32]:
        width = stop - start
        expect(width <= MANY // 2, f"{width} of {MANY} prototypes are read at once: read blocks")
        return self._columns(self.few.block(0, self.few.n_prototypes), start, stop)

    def _columns(self, few_bk: NDArray[np.float32], start: int, stop: int) -> NDArray[np.float32]:
        scores_bk: NDArray[np.float32] = few_bk[:, np.arange(start, stop) % few_bk.shape[1]]
        return scores_bk


def _with_many(split: Split) -> Split:
    """1,024 prototypes, and one trait."""
    traits = attrs.evolve(
        split.traits,
        labels_nt=split.traits.labels_nt[:, :1],
        names=split.traits.names[:1],
        groups=split.traits.groups[:1],
    )
    return Split({row: _Many(few) for row, few in split.scores.items()}, traits)


def _expect_choice(case: Case) -> None:
    if ASSIGNS in case.spec.tags:
        raise NotApplicable(
            "it chooses no prototypes: every row goes to the one that scores highest"
        )


def _nan_like(scores_nk: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.full_like(scores_nk, np.nan)


def _with_perfect(split: Split) -> Split:
    """A further prototype for each trait, which equals its labels."""
    return _with_prototypes(split, split.traits.labels_nt)


def _with_silent(split: Split) -> Split:
    """A further prototype for each trait, which scores everything alike."""
    return _with_prototypes(split, np.zeros_like(split.traits.labels_nt))


def _with_prototypes(split: Split, added_nt: NDArray[np.bool_]) -> Split:
    return map_scores(split, lambda scores_nk: np.hstack([scores_nk, added_nt.astype(np.float32)]))


CHECKS: Final[tuple[Check, ...]] = (
    check_headline_has_its_nulls,
    check_tables_are_tidy,
    check_constant_scores_give_the_prevalence,
    check_example_order_does_not_matter,
    check_tied_scores_do_not_depend_on_the_order,
    check_selection_ignores_test,
    check_perfect_scores_reach_one,
    check_results_are_measured_on_test,
    check_seed_decides,
    check_labels_are_left_alone,
    check_bad_scores_are_refused,
    check_scores_are_read_in_blocks,
    check_global_state_is_untouched,
)
