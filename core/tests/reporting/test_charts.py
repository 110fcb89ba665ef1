import pytest
from hypothesis import given
from hypothesis import strategies as st

from traits_core.reporting.axes import linear_axis
from traits_core.reporting.bars import headline_chart, trait_chart
from traits_core.reporting.ranking import rank_traits
from traits_core.reporting.scatter import scatter


@given(st.floats(1e-6, 1.0))
def test_an_axis_reaches_its_maximum_with_few_round_ticks(maximum):
    axis = linear_axis(maximum)
    assert maximum <= axis.top * (1 + 1e-8)
    assert 3 <= len(axis.ticks) <= 7
    assert [axis.ticks[0].at, axis.ticks[-1].at] == [0, 100]
    for tick in axis.ticks:
        assert axis.place(float(tick.text)) == pytest.approx(tick.at, abs=0.02)
        assert len(f"{float(tick.text):e}".partition("e")[0].rstrip("0")) <= 4  # at most 9.75


@pytest.mark.parametrize("maximum", [0.0, -1.0])
def test_an_axis_without_a_positive_value_goes_to_one(maximum):
    assert linear_axis(maximum).top == 1


def test_headline_bars_are_proportional_and_the_method_is_last(content):
    chart = headline_chart(content.headline, "k-means")
    values = {row["row"]: row["map"] for row in content.headline}
    assert [bar.label for bar in chart.bars] == [
        *("A constant score", "Permuted labels", "Gaussian directions"),
        *("Random training activations", "k-means"),
    ]
    method, constant = chart.bars[-1], chart.bars[0]
    assert method.width / constant.width == pytest.approx(
        values["method"] / values["constant"], rel=1e-2
    )
    assert method.whisker[0] < method.width < method.whisker[1] <= 100


def test_headline_bars_have_no_whiskers_without_an_interval():
    (bar,) = headline_chart(({"row": "method", "map": 0.5, "map_ci95_low": None},), "pca").bars
    assert bar.whisker is None
    assert headline_chart(({"row": "method", "loss": 0.5},), "pca") is None


def test_trait_bars_mark_prevalence_and_the_null_on_the_same_axis(content):
    ranked = rank_traits(content.traits)
    chart = trait_chart(ranked, "gaussian")
    top = float(chart.ticks[-1].text)
    for result, bar in zip(ranked, chart.bars, strict=True):
        assert bar.width == pytest.approx(100 * result.ap / top, abs=0.01)
        assert bar.mark == pytest.approx(100 * result.prevalence / top, abs=0.01)
        assert bar.dot == pytest.approx(100 * result.null_ap["gaussian"] / top, abs=0.01)
        assert (bar.style == "below") == (result.ap <= result.prevalence)
    assert {bar.style for bar in chart.bars} == {"method", "below"}


def test_scatter_places_traits_within_the_plot_and_above_the_chance_line(content):
    ranked = rank_traits(content.traits)
    plot = scatter(ranked)
    for result, dot in zip(ranked, plot.dots, strict=True):
        assert 0 <= dot.x <= 100
        assert dot.y == pytest.approx(100 - 100 * result.ap, abs=0.01)
        assert dot.below_chance == (result.ap <= result.prevalence)
    assert [dot.x for dot in plot.dots] != sorted(dot.x for dot in plot.dots)
    assert (plot.x_ticks[0].at, plot.x_ticks[0].text) == (0, "0.001")
    assert (plot.x_ticks[-1].at, plot.x_ticks[-1].text) == (100, "1")
    assert 0 < sum(bool(dot.label) for dot in plot.dots) <= 5


def test_a_name_is_not_written_over_another_dot():
    spots = {
        "crowded": (0.02, 0.9),
        "neighbour": (0.025, 0.89),
        "rare": (0.3, 0.5),
        "wide": (0.4, 0.6),
    }
    rows = [
        {"row": "method", "trait": trait, "ap": ap, "prevalence": share, "lift": ap - share}
        for trait, (share, ap) in spots.items()
    ]
    dots = scatter(rank_traits(rows)).dots
    assert {dot.label: dot.left for dot in dots if dot.label} == {
        "neighbour": False,
        "rare": True,
        "wide": True,
    }


def test_scatter_of_traits_that_no_test_example_or_every_one_has():
    rows = [
        {"row": "method", "trait": name, "ap": prevalence, "prevalence": prevalence, "lift": 0.0}
        for name, prevalence in (("none", 0.0), ("all", 1.0))
    ]
    assert [dot.x for dot in scatter(rank_traits(rows)).dots] == [0, 100]
