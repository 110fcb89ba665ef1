"""Combinations of options that vary: which runs they make, what is told of them, what is refused."""

from __future__ import annotations

import pytest

from traits_core import ConfigError
from traits_core.config.run_config import resolve_run
from traits_core.config.sweep import (
    SEED,
    differences,
    label,
    parse_seeds,
    parse_vary,
    refuse_other_batches,
    sweep,
)

RAW = {"method": {"name": "centroids", "tol": "0.25"}, "dataset": {"name": "toy"}}


@pytest.fixture
def swept(registry):
    """The runs of `--vary` pairs and seeds, as the text that is told of each."""

    def runs(*pairs, seeds=None, raw=RAW):
        axes = parse_vary(pairs) | ({} if seeds is None else {SEED: parse_seeds(seeds)})
        return sweep(raw, axes, registry)

    return runs


def labels(configs):
    return [label(difference) for difference in differences(configs)]


def test_nothing_that_varies_is_the_one_run(swept, registry):
    assert swept() == [resolve_run(RAW, registry)]
    assert labels(swept()) == [""]


def test_each_combination_is_a_run_the_seed_fastest(swept):
    configs = swept("method.n-clusters=2,4", "method.metric=cosine,euclidean", seeds="0,7")
    assert labels(configs) == [
        f"n_clusters={n}, metric={metric}, seed {seed}"
        for n in (2, 4)
        for metric in ("cosine", "euclidean")
        for seed in (0, 7)
    ]
    assert {config.method.options.tol for config in configs} == {0.25}
    refuse_other_batches(configs)


def test_a_run_of_a_sweep_is_the_run_of_its_options_alone(swept, registry):
    alone = {**RAW, "method": {**RAW["method"], "n_clusters": 4}}
    assert swept("method.n_clusters=2,4")[1] == resolve_run(alone, registry)
    later = swept("method.n_clusters=2,4", seeds="3,5")[3]
    seeded = {**alone, "run": {"seed": 5, "shuffle_seed": 3}}
    assert later == resolve_run(seeded, registry)


def test_a_shuffle_seed_that_is_given_is_that_of_all(swept):
    configs = swept(seeds="0,1", raw={**RAW, "run": {"shuffle_seed": 9}})
    assert [config.run.order_seed for config in configs] == [9, 9]


def test_a_combination_that_is_asked_for_twice_is_one_run(swept):
    assert labels(swept("method.tol=0.5,0.50,1", "method.tol=1.0")) == ["tol=0.5", "tol=1.0"]


def test_values_of_an_option_may_be_given_apart_and_win_over_the_option(swept):
    assert labels(swept("method.tol=1", "method.tol=2")) == ["tol=1.0", "tol=2.0"]


def test_another_method_comes_with_its_own_options(swept):
    configs = swept("method.name=centroids,directions")
    assert labels(configs) == ["centroids", "directions"]
    assert configs[0].method.options.tol == 0.25
    crossed = swept("method.n_clusters=8,3", "method.name=centroids,directions")
    assert labels(crossed)[:2] == ["centroids, n_clusters=8", "directions, n_clusters=8"]


def test_values_with_commas_are_separated_by_semicolons():
    assert parse_vary(["method.widths=8,16; 32"]) == {("method", "widths"): ["8,16", "32"]}


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        (
            "method.n_cluster=2,4",
            "no option --method.n-cluster. Did you mean '--method.n-clusters'?",
        ),
        ("method.n_clusters=2,x", "--method.n-clusters: expected an integer, got 'x'"),
        ("method.n_clusters=2,,4", "--method.n-clusters: expected an integer, got ''"),
        ("method.n_clusters=2,0", "--method.n-clusters: must be >= 1: 0"),
        ("method.name=centroids,centroid", "no method named 'centroid'. Did you mean 'centroids'?"),
        ("run.batch_size=1,2", "--vary run.batch_size: only options of method and probe vary"),
        ("run.seed=1,2", "and the seed by --seeds 0..3"),
        ("method", "--vary method: expected SECTION.OPTION=VALUE, e.g. method.n_clusters=16,32"),
    ],
)
def test_what_cannot_vary_is_told_in_one_line(swept, pair, told):
    with pytest.raises(ConfigError) as error:
        swept(pair)
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_runs_that_want_other_batches_are_refused(registry):
    configs = [resolve_run({**RAW, "run": {"batch_size": n}}, registry) for n in (1, 2)]
    with pytest.raises(ConfigError, match=r"run\.batch_size \(1, 2\)"):
        refuse_other_batches(configs)
    folder = resolve_run({**RAW, "dataset": {"name": "folder", "path": "x"}}, registry)
    with pytest.raises(ConfigError, match=r"dataset\.name \(toy, folder\)"):
        refuse_other_batches([configs[0], folder])


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0..3", (0, 1, 2, 3)), ("0,2,5", (0, 2, 5)), ("7", (7,)), ("4,1..2,4", (4, 1, 2))],
)
def test_seeds_are_a_range_or_a_list(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "1,,2", "-1", "1..", "0-3"])
def test_other_texts_are_refused_with_an_example(text):
    with pytest.raises(ConfigError, match=r"0\.\.3 or 0,2,5"):
        parse_seeds(text)


def test_a_range_backwards_is_told_so():
    with pytest.raises(ConfigError, match=r"^--seeds 0,3\.\.1: 3 is greater than 1$"):
        parse_seeds("0,3..1")
