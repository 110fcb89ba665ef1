"""Runs beside each other on a page."""

import pytest

from traits_core.reporting.comparison import ComparedGroup, comparison_chart, render_comparison


def entry(method, score, **changes):
    return {
        "method": method,
        "n_prototypes": 4096,
        "options": {},
        "seeds": [0],
        "map": score,
        "map_ci95_low": score - 0.05,
        "map_ci95_high": score + 0.05,
        "constant": 0.1,
        "activations": 0.4,
    } | changes


def test_bars_share_an_axis_that_holds_every_interval_and_null():
    chart = comparison_chart([entry("kmeans", 0.45), entry("pca", 0.2, activations=0.6)])
    assert chart.ticks[-1].at == 100
    for bar in chart.bars:
        assert 0 < bar.mark < bar.whisker[0] < bar.width < bar.whisker[1] <= 100
        assert bar.dot <= 100
    assert chart.bars[0].mark == chart.bars[1].mark


def test_a_run_below_random_training_activations_is_marked():
    chart = comparison_chart([entry("kmeans", 0.41), entry("pca", 0.4), entry("random", 0.1)])
    assert [bar.style for bar in chart.bars] == ["method", "below", "below"]


def test_what_is_not_known_is_left_out():
    unknown = {"map_ci95_low": None, "map_ci95_high": None, "constant": None, "activations": None}
    (bar,) = comparison_chart([entry("mine", 0.3, n_prototypes=None, **unknown)]).bars
    assert (bar.label, bar.whisker, bar.mark, bar.dot) == ("mine", None, None, None)
    (pooled,) = comparison_chart([entry("mine", 0.3, seeds=[0, 1, 2])]).bars
    assert pooled.detail == "mean of 3 seeds"


def test_bars_of_one_method_are_told_apart():
    rows = [entry("sae", 0.3, options={"method.k": k}) for k in (16, 32)]
    assert [bar.label for bar in comparison_chart(rows).bars] == [
        "sae K = 4,096 k=16",
        "sae K = 4,096 k=32",
    ]


def test_text_is_escaped():
    group = ComparedGroup(heading="<b>x", entries=[entry("<i>", 0.3)], tables={"<u>": ()})
    page = render_comparison([group], lead="<s>")
    assert not any(tag in page for tag in ("<b>x", "<i>K", "<u>", "<s>"))
    assert "&lt;b&gt;x" in page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_a_browser_shows_a_section_a_group_and_nothing_overflows(visit, width, scheme):
    groups = [
        ComparedGroup(
            heading=heading,
            entries=[
                entry("kmeans", 0.45),
                entry("sae", 0.2, options={"method.variant": "batch-top-k", "run.scores": "top-k"}),
            ],
            tables={"Scores": ({"method": "kmeans", "map": 0.45}, {"method": "pca", "map": 0.2})},
        )
        for heading in ("digits", "emoji")
    ]
    page = visit(
        render_comparison(groups, lead="is no better or worse"),
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
    )
    assert page.locator("h2").all_inner_texts() == ["digits", "emoji"]
    assert page.locator("ol.bars > li:not(.axis)").count() == 4
    assert "no better or worse" in page.locator(".lead").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
