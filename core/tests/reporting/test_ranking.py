import math

import pytest

from traits_core.reporting.ranking import best_and_worst, group_table, rank_traits


def entry(trait, lift, row="method", **changes):
    values = {"ap": 0.1 + 0.9 * lift, "prevalence": 0.1, "lift": lift, "group": "g", "prototype": 1}
    return {"row": row, "trait": trait, "n_positive": 5} | values | changes


def test_traits_are_ranked_by_lift_and_not_by_ap():
    common = entry("common", 0.2, ap=0.92, prevalence=0.9)
    ranked = rank_traits((common, entry("rare", 0.5), entry("worse than chance", -0.05)))
    assert [result.trait for result in ranked] == ["rare", "common", "worse than chance"]


@pytest.mark.parametrize("column", ["ap", "prevalence", "lift"])
@pytest.mark.parametrize("value", [None, math.nan])
def test_undefined_traits_are_not_ranked(column, value):
    ranked = rank_traits((entry("a", 0.5) | {column: value}, entry("b", 0.1)))
    assert [result.trait for result in ranked] == ["b"]


def test_a_table_of_another_shape_ranks_nothing():
    assert rank_traits(({"class": "wall", "purity": 0.5},)) == ()


def test_a_trait_carries_its_ap_by_every_null():
    table = (
        entry("a", 0.5),
        entry("a", 0.2, row="gaussian"),
        entry("b", 0.3, row="gaussian"),
        entry("a", 0.0, row="activations", ap=None),
    )
    (result,) = rank_traits(table)
    assert result.null_ap == {"gaussian": pytest.approx(0.28)}


@pytest.mark.parametrize(
    ("n_traits", "best", "worst"),
    [(0, "", ""), (1, "0", ""), (3, "01", "2"), (4, "01", "32"), (9, "012", "876")],
)
def test_no_trait_is_both_best_and_worst(n_traits, best, worst):
    ranked = rank_traits(tuple(entry(str(i), -i / 10) for i in range(n_traits)))
    chosen = best_and_worst(ranked, 3)
    assert ["".join(result.trait for result in part) for part in chosen] == [best, worst]


@pytest.mark.parametrize(
    ("trait", "group", "name"),
    [
        ("has_wing_shape::long", "has_wing_shape", "long"),
        ("tag::", "tag", "tag::"),
        ("red", "colour", "red"),
        ("::red", "", "red"),
        ("tag::tag::x", "tag", "tag::x"),
    ],
)
def test_a_name_does_not_repeat_its_group(trait, group, name):
    assert rank_traits((entry(trait, 0.5, group=group),))[0].name == name


def test_groups_are_averaged_and_name_their_extremes():
    traits = (
        entry("a", 0.8, group="x"),
        entry("b", 0.2, group="x"),
        entry("c", 0.5, group="x"),
        entry("d", 0.9, group="y"),
    )
    y, x = group_table(rank_traits(traits))
    assert (y["group"], y["n_traits"], y["best"], y["worst"]) == ("y", 1, "d", "d")
    assert (x["group"], x["n_traits"], x["best"], x["worst"]) == ("x", 3, "a", "b")
    assert x["lift"] == pytest.approx(0.5)
    assert x["map"] == pytest.approx(0.55)
