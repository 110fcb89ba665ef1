"""The page as a browser shows it; the `visit` fixture fails on any request or console message."""

import re

import pytest


@pytest.mark.parametrize("javascript", [True, False])
def test_the_page_says_the_same_with_and_without_javascript(visit, content, javascript):
    page = visit(content, java_script_enabled=javascript)
    assert page.title() == "k-means on squares"
    best = max(row["ap"] for row in content.traits if row["row"] == "method")
    assert page.locator("#all ~ .scroll tbody tr").first.locator("td").nth(1).inner_text() == (
        f"{best:.3f}"
    )
    assert page.locator(".panel").count() == 2
    assert page.locator("h1, h2").all_inner_texts() == [
        *("k-means on squares", "Against the nulls", "Which traits", "What the prototypes look at"),
        *("All traits", "utilisation", "How to read this", "Repeat this run"),
    ]


def test_all_pictures_and_heat_maps_are_drawn(visit, content):
    page = visit(content)
    assert page.locator(".frame img").count() == 2 * 2 * 8
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")


@pytest.mark.parametrize("javascript", [True, False])
def test_heat_maps_can_be_switched_off(visit, content, javascript):
    page = visit(content, java_script_enabled=javascript)
    assert page.locator(".heat").first.is_visible()
    page.uncheck("#heat")
    assert not page.locator(".heat").first.is_visible()
    assert not page.locator(".hottest").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 400, 800, 1300])
def test_nothing_overflows_the_window(visit, content, width, scheme):
    page = visit(content, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_click_on_a_heading_sorts_by_number_and_a_second_click_turns_it_round(visit, change):
    values = {"a": 3, "b": None, "c": 20, "d": -1, "e": 9.5}
    tables = {"t": tuple({"name": name, "x": x} for name, x in values.items())}
    page = visit(change(other_tables=tables))
    table = page.locator("table").last

    def order():
        return "".join(table.locator("tbody th").all_inner_texts())

    heading = table.locator("thead button", has_text="x")
    heading.click()
    assert order() == "ceadb"
    assert table.locator("thead th").last.get_attribute("aria-sort") == "descending"
    heading.click()
    assert order() == "daecb"
    table.locator("thead button", has_text="name").click()
    assert order() == "abcde"


def test_text_stands_out_from_its_background(visit, content):
    """WCAG 2, success criterion 1.4.3: a contrast of 4.5 for text."""
    for scheme in ("light", "dark"):
        page = visit(content, color_scheme=scheme)
        styles = page.evaluate(
            """selectors => selectors.map(s => getComputedStyle(document.querySelector(s)).color)
               .concat(getComputedStyle(document.body).backgroundColor)""",
            ["body", ".byline", "figcaption", "thead th", ".mark.hit", ".mark.miss", "a"],
        )
        *inks, paper = [_luminance(style) for style in styles]
        for ink in inks:
            assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5


def _luminance(css):
    channels = [int(number) / 255 for number in re.findall(r"\d+", css)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_policy_stops_a_script_that_is_not_the_pages_own(chromium, content, tmp_path):
    from traits_core.reporting.page import render

    path = tmp_path / "index.html"
    path.write_text(render(content).replace("</h1>", "</h1><script>document.title='x'</script>"))
    page = chromium.new_page()
    page.goto(path.as_uri())
    assert page.title() == "k-means on squares"
    assert page.locator("thead button").count() > 0
    page.close()
