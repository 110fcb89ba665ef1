"""Columns that are asked for are left out only where they cannot be known, and it is said why."""

import attrs
import pytest

from traits_core.comparing.columns import PAIRED, STABILITY, add_columns
from traits_core.comparing.groups import grouped
from traits_core.comparing.run_facts import read_facts_of_run
from traits_core.errors import StageError

LOGISTIC = {"name": "logistic"}


def measure(group, registry):
    if group.measured_on.probe == "logistic":
        return PAIRED.measure(group, registry)
    return [{"behind": 0.0} for _ in group.entries]


COLUMNS = attrs.evolve(PAIRED, measure=measure)


@pytest.fixture
def add(invent):
    """The rows and notes of `columns` for runs of these probes and labels, two of each."""

    def of(*kinds, columns=COLUMNS, all_or_none=False, methods=("kmeans", "pca")):
        runs = [
            read_facts_of_run(invent(f"{method}-{index}", method=method, **kind))
            for index, kind in enumerate(kinds)
            for method in methods
        ]
        groups = grouped(runs, pool_seeds=True)
        rows = [[{} for _ in group.entries] for group in groups]
        return rows, add_columns(columns, rows, groups, None, all_or_none)

    return of


def test_a_group_of_another_probe_goes_without_and_the_others_do_not(add):
    rows, (note,) = add({}, {"probe": LOGISTIC})
    assert rows == [[{"behind": 0.0}] * 2, [{}, {}]]
    assert note.startswith("--paired is left out of a table: ")
    assert "'logistic'" in note


def test_runs_that_were_named_must_all_be_paired(add):
    with pytest.raises(StageError, match=r"'logistic'.*compare without --paired"):
        add({}, {"probe": LOGISTIC}, all_or_none=True)


def test_it_fails_when_no_group_can_be_paired(add):
    with pytest.raises(StageError, match="'logistic'"):
        add({"probe": LOGISTIC})


def test_results_on_positions_are_not_paired(add):
    with pytest.raises(StageError, match="measured on positions"):
        add({"options": {"pooling": "none"}}, columns=PAIRED)


@pytest.mark.parametrize("columns", [PAIRED, STABILITY])
@pytest.mark.parametrize("all_or_none", [False, True])
def test_where_there_is_nothing_to_compare_a_line_says_so(add, columns, all_or_none):
    rows, (note,) = add(
        {}, {"probe": LOGISTIC}, columns=columns, all_or_none=all_or_none, methods=("kmeans",)
    )
    assert rows == [[{}], [{}]]
    assert note.startswith(f"{columns.flag}: no ")
