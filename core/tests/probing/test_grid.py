"""A cell of the grid is the probe of so many prototypes on so many examples, and nothing else."""

import numpy as np
import pytest

from traits_core.probing.grid import Grid
from traits_core.probing.retrieval import RetrievalProbe
from traits_core.probing.retrieval_config import RetrievalConfig

SIZES = {"grid_prototypes": (4, 10), "grid_train": (16, 40)}


def run(train, test, seed=0, **options):
    return RetrievalProbe(RetrievalConfig(**(SIZES | options)))(train, test, seed)


def cells(result):
    table = result.tables["grid"]
    return {(cell["row"], cell["n_prototypes"], cell["n_train"]): cell for cell in table}


def method(result):
    return next(row for row in result.headline if row["row"] == "method")


@pytest.mark.parametrize("block", [3, 512])
def test_every_cell_equals_separate_probes_of_its_subsets(planted, split, block):
    train, test = planted(0, n=200), planted(1, n=70)
    config = RetrievalConfig(**SIZES, block=block)
    grid = Grid.of(config, train.scores["method"], seed=5)
    draws = [*grid.subsets, np.arange(200)]
    table = cells(run(train, test, seed=5, block=block))
    assert set(table) == {
        (row, k, n) for row in ("gaussian", "method") for k in (4, 10, 24) for n in (16, 40, 200)
    }
    for (row, k, n), cell in table.items():
        alone = []
        for rows in (draw for draw in draws if len(draw) == n):
            few = split(
                train.traits.labels_nt[rows], method=train.scores[row].scores_nk[rows][:, :k]
            )
            measured = split(test.traits.labels_nt, method=test.scores[row].scores_nk[:, :k])
            alone.append(method(run(few, measured, grid=False)))
        maps = [found["map"] for found in alone]
        assert (cell["repeats"], cell["n_prototypes_total"]) == (len(maps), 24)
        assert cell["map_sd_draws"] == (
            pytest.approx(np.std(maps, ddof=1), abs=1e-12) if len(maps) > 1 else None
        )
        for name in ("map", "map_train", "prevalence", "ap_p05_traits", "ap_p95_traits"):
            expected = np.mean([found[name] for found in alone])
            assert cell[name] == pytest.approx(expected, abs=1e-12)
        unselected = np.mean([found["n_traits_unselected"] for found in alone])
        assert cell["n_traits_unselected"] == unselected


def test_the_last_cell_is_the_headline(planted):
    result = run(planted(0), planted(1))
    last = cells(result)["method", 24, 80]
    for name in ("map", "map_train", "prevalence", "ap_p05_traits", "ap_p95_traits"):
        assert last[name] == method(result)[name]


def test_the_grid_changes_no_other_number(planted):
    train, test = planted(0), planted(1)
    with_grid, without = run(train, test), run(train, test, grid=False)
    assert with_grid.headline == without.headline
    assert with_grid.tables["traits"] == without.tables["traits"]
    assert "grid" not in without.tables


def test_draws_are_nested_seeded_and_together_a_quarter_of_train(planted):
    scores = planted(0, n=1000).scores["method"]
    config = RetrievalConfig(grid_train=(16, 64, 256, 1000, 5000), grid_repeats=8)
    grid = Grid.of(config, scores, seed=1)
    sizes = [len(rows) for rows in grid.subsets]
    assert sizes == [16] * 8 + [64] * 3 + [256]
    for rows in grid.subsets:
        assert len(set(rows.tolist())) == len(rows)
    for small, large in ((0, 8), (1, 9), (2, 10), (8, 11)):
        assert set(grid.subsets[small]) < set(grid.subsets[large])
    assert set(grid.subsets[0]) != set(grid.subsets[1])
    again, other = (Grid.of(config, scores, seed=seed) for seed in (1, 2))
    assert all(map(np.array_equal, grid.subsets, again.subsets))
    assert not all(map(np.array_equal, grid.subsets, other.subsets))


def test_sizes_that_there_are_not_enough_of_are_left_out(planted):
    table = cells(run(planted(0, n=12, k=3, t=3), planted(1, n=12, k=3, t=3)))
    assert set(table) == {(row, 3, 12) for row in ("gaussian", "method")}


def test_draws_without_any_positive_have_no_train_map(planted):
    train, test = planted(0), planted(1)
    train.traits.labels_nt[:] = False
    rare = Grid.of(RetrievalConfig(**SIZES), train.scores["method"], seed=0).subsets[0]
    outside = next(i for i in range(80) if i not in rare)
    train.traits.labels_nt[outside, :5] = True
    cell = cells(run(train, test, grid_repeats=1))["method", 24, 16]
    assert cell["map_train"] is None
    assert cell["n_traits_unselected"] == 6
    assert cell["map"] > 0
    assert cells(run(train, test, grid_repeats=1))["method", 24, 80]["n_traits_unselected"] == 1


def test_more_train_examples_help_when_there_is_something_to_find(planted):
    train, test = (planted(seed, n=1000, k=64, strength=1.0) for seed in (0, 1))
    maps = [cells(run(train, test))["method", 64, n]["map"] for n in (16, 40, 1000)]
    assert maps == sorted(maps)
    assert maps[-1] > maps[0] + 0.05
