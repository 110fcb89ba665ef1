import re
from html.parser import HTMLParser

import numpy as np
import pytest

from traits_core.reporting.numbers import show
from traits_core.reporting.page import render

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> & {{ 7 * 7 }}"


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text outside of style and script."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in ("style", "script"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data):
        if not self.open:
            self.text.append(data)

    def attributes(self, tag, name):
        return [values[name] for kind, values in self.tags if kind == tag and name in values]


def test_nothing_is_fetched(content):
    page = Page(render(content))
    assert all(source.startswith("data:image/") for source in page.attributes("img", "src"))
    assert page.attributes("script", "src") == []
    assert page.attributes("link", "href") == ["data:,"]
    assert all(link.startswith("#") for link in page.attributes("a", "href"))
    assert "url(" not in render(content)
    assert "@import" not in render(content)


def test_every_name_and_caption_is_escaped(change, panel, exemplar):
    shown = {"trait": HOSTILE, "group": HOSTILE}
    content = change(
        **dict.fromkeys(("title", "method", "dataset", "backbone", "layer"), HOSTILE),
        **dict.fromkeys(("run_name", "created", "command"), HOSTILE),
        facts={HOSTILE: HOSTILE},
        headline=({"row": "method", "map": 0.5, HOSTILE: HOSTILE},),
        traits=({"row": "method", "ap": 0.5, "prevalence": 0.1, "lift": 0.4} | shown,),
        other_tables={HOSTILE: ({HOSTILE: HOSTILE},)},
        panels=(panel(exemplars=(exemplar(0, caption=HOSTILE),), **shown),),
        config={HOSTILE: HOSTILE},
    )
    page = Page(render(content))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not any("onerror" in values for _, values in page.tags)
    assert "".join(page.text).count(HOSTILE) >= 18
    assert page.attributes("img", "alt")[0] == f"{HOSTILE} (lacks {HOSTILE})"


def test_cells_of_the_trait_table_are_the_numbers_of_the_content(content):
    html = render(content).split('id="all"')[1].split("</table>")[0]
    rows = re.findall(r'<th scope="row">(trait \d+)</th>(.*?)</tr>', html, re.DOTALL)
    expected = {entry["trait"]: entry for entry in content.traits if entry["row"] == "method"}
    gaussian = {entry["trait"]: entry for entry in content.traits if entry["row"] == "gaussian"}
    assert len(rows) == len(expected)
    for trait, cells in rows:
        entry = expected[trait]
        numbers = [float(number) for number in re.findall(r'data-value="([^"]+)"', cells)]
        columns = ("ap", "prevalence", "lift")
        assert numbers[:3] == [entry[column] for column in columns]
        assert numbers[3] == gaussian[trait]["ap"]
        assert numbers[-1] == entry["prototype"]


def test_the_headline_shows_every_row_and_column(content):
    html = render(content)
    text = "".join(Page(html).text)
    for row in content.headline:
        for value in row.values():
            assert show("k-means" if value == "method" else value) in text
            if isinstance(value, float):
                assert f'data-value="{value}"' in html


def test_undefined_numbers_are_dashes(change, panel, exemplar):
    nan, inf = float("nan"), float("inf")
    undefined = {"ap": nan, "lift": None, "prevalence": 0.0, "n_positive": 0}
    content = change(
        headline=({"row": "constant", "map": nan}, {"row": "method", "map": nan, "loss": inf}),
        traits=({"row": "method", "trait": "a", "group": "g", "prototype": None} | undefined,),
        other_tables={"t": ({"x": nan, "y": -inf},)},
        panels=(
            panel(
                **(undefined | {"lift": nan}),
                exemplars=(exemplar(0, score=nan, heat_hw=np.full((2, 2), nan, np.float32)),),
            ),
        ),
    )
    page = Page(render(content))
    text = "".join(page.text)
    values = [str(value) for _, tag in page.tags for key, value in tag.items() if key != "content"]
    for written in (text, *(value for value in values if not value.startswith("data:"))):
        assert not re.search(r"\b(nan|NaN|inf|Infinity|undefined)\b", written)
    assert "None" not in text
    assert "\N{EN DASH}" in text


@pytest.mark.parametrize("headline", [(), ({"class": "wall", "purity": 0.25},)])
def test_a_probe_without_traits_or_map_still_shows_its_tables(change, headline):
    tables = {"per_class": ({"class": "wall", "purity": 0.625}, {"class": "sky", "purity": 0.5})}
    content = change(headline=headline, traits=(), panels=(), other_tables=tables)
    text = "".join(Page(render(content)).text)
    assert "per class" in text
    assert "0.625" in text
    assert "Which traits" not in text
    assert "What the prototypes look at" not in text
    assert "average precision" not in text


def test_a_traits_table_of_another_shape_is_shown_as_it_is(change):
    traits = ({"trait": "red", "r2": 0.75}, {"trait": "blue", "r2": 0.5})
    text = "".join(Page(render(change(traits=traits))).text)
    assert "0.750" in text
    assert "Found best" not in text


def test_a_prototype_is_an_identifier_and_a_count_is_not(change):
    html = render(change(other_tables={"t": ({"prototype": 3331, "n_positive": 3331},)}))
    assert ">3331</th>" in html
    assert ">3,331</td>" in html


def test_an_empty_or_long_table_says_so(change):
    tables = {"empty": (), "long": tuple({"i": i} for i in range(1200))}
    text = "".join(Page(render(change(other_tables=tables))).text)
    assert "This table has no rows." in text
    assert "The first 200 of 1,200 rows" in text


def test_a_table_that_is_cut_begins_with_the_method_under_its_name(change):
    rows = tuple({"row": row, "x": i} for row in ("gaussian", "method") for i in range(150))
    page = Page(render(change(other_tables={"pairs": rows})))
    text = " ".join("".join(page.text).split())
    _, _, table = text.partition("pairs")
    assert table.index("k-means 149") < table.index("gaussian 0") < table.index("gaussian 49")
    assert "gaussian 50" not in table


def test_every_picture_says_whether_it_has_the_trait(content):
    alts = [alt for alt in Page(render(content)).attributes("img", "alt") if alt]
    expected = [
        f"{exemplar.caption} ({'has' if exemplar.positive else 'lacks'} {panel.trait})"
        for panel in content.panels
        for exemplar in panel.exemplars
    ]
    assert alts == expected


def test_twelve_panels_of_eight_noisy_pictures_stay_below_three_megabytes(change, panel):
    content = change(panels=tuple(panel(i) for i in range(12)))
    assert len(render(content).encode()) < 3_000_000


def test_rendering_twice_gives_the_same_page(content):
    assert render(content) == render(content)
