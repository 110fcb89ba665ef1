"""The chart of the grid: a line per number of prototypes, points where the numbers are."""

import itertools
import math

import pytest

from traits_core.reporting.lines import LABEL_DISTANCE, grid_chart
from traits_core.reporting.page import render


def make_grid(sizes=(16, 64, 900), counts=(128, 512), flat=False):
    return tuple(
        {
            "row": row,
            "n_prototypes": k,
            "n_prototypes_total": counts[-1],
            "n_train": n,
            "repeats": 3 if n < 900 else 1,
            "map": 0.3 if flat else 0.1 + 0.04 * math.log(n) + (k / 5000 if row == "method" else 0),
            "map_sd_draws": 0.01 if n < 900 else None,
            "prevalence": 0.1,
        }
        for row, k, n in itertools.product(("gaussian", "method"), counts, sizes)
    )


def test_points_are_where_the_numbers_are():
    grid = make_grid()
    chart = grid_chart(grid, "k-means")
    top = float(chart.y_ticks[-1].text)
    assert {line.label for line in chart.lines} == {"128", "512", "Gaussian directions"}
    line = next(line for line in chart.lines if line.label == "512")
    cells = [cell for cell in grid if (cell["row"], cell["n_prototypes"]) == ("method", 512)]
    for point, cell in zip(line.points, cells, strict=True):
        assert point.y == pytest.approx(100 - 100 * cell["map"] / top, abs=0.02)
        expected = 100 * math.log(cell["n_train"] / 16) / math.log(900 / 16)
        assert point.x == pytest.approx(expected, abs=0.01)
    assert "over 3 draws" in line.points[0].title
    assert "draws" not in line.points[-1].title
    assert chart.chance == pytest.approx(100 - 10 / top, abs=0.02)
    assert [tick.text for tick in chart.x_ticks] == ["16", "64", "900"]


def test_labels_keep_their_distance():
    chart = grid_chart(make_grid(counts=(128, 512, 2048, 8192), flat=True), "k-means")
    places = sorted(line.label_y for line in chart.lines)
    assert all(b - a >= LABEL_DISTANCE for a, b in itertools.pairwise(places))


def test_there_is_no_chart_of_one_number_of_train_examples():
    assert grid_chart(make_grid(sizes=(900,)), "k-means") is None
    assert grid_chart((), "k-means") is None


def test_the_page_draws_the_grid_above_its_table(change):
    page = render(change(other_tables={"grid": make_grid()}))
    assert page.index("Fewer prototypes, fewer labels") < page.index('class="scatter lines"')
    assert page.count('class="line method"') == 2
    assert "128 prototypes, 16 train examples: mAP" in page
    assert 'class="scatter lines"' not in render(change(other_tables={}))


def test_the_chart_fits_the_window(visit, change):
    page = visit(
        change(other_tables={"grid": make_grid()}), viewport={"width": 1200, "height": 900}
    )
    box = page.locator(".lines .name").first.bounding_box()
    assert box["x"] + box["width"] <= 1200
