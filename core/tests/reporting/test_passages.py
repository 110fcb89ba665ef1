"""Texts as pieces: nothing of them is lost, and shades follow the scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from traits_core.reporting.page import render
from traits_core.reporting.passages import pieces

TEXT = "if <a>:\n    b = 1"
SPANS = ((0, 2), (3, 6), (12, 13), (16, 17))


def shaded(heats, low=0.0, high=4.0):
    found = pieces(TEXT, SPANS, np.float32(heats), low, high)
    return {piece.text: piece.heat for piece in found if piece.heat is not None}


def test_heat_goes_from_the_lowest_score_of_the_scale_to_its_highest():
    assert shaded([-9, 1, 4, 3]) == {"if": 0, "<a>": 0.25, "b": 1, "1": 0.75}


def test_one_value_for_all_is_no_heat():
    assert set(shaded([2, 2, 2, 2], low=2, high=2).values()) == {0}


def test_scores_that_are_not_finite_are_plain():
    found = pieces(TEXT, SPANS, np.float32([np.nan, np.inf, 1, 2]), 0, 2)
    assert [(piece.text, piece.heat) for piece in found if piece.hottest] == [("1", 1)]
    assert shaded([np.nan, np.inf, 1, 2], high=2) == {"b": 0.5, "1": 1}


@given(st.text(max_size=20), st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20))))
def test_pieces_are_the_text_whatever_the_spans(text, bounds):
    spans = sorted((min(pair), max(pair)) for pair in bounds)
    found = pieces(text, tuple(spans), np.arange(len(spans), dtype=np.float32), 0, 1)
    assert "".join(piece.text for piece in found) == text
    assert all(piece.text for piece in found)


@pytest.mark.parametrize("spans", [(), SPANS[:2]])
def test_tokens_without_a_span_are_plain(spans):
    found = pieces(TEXT, spans, np.float32([1, 2, 3, 4]), 0, 4)
    assert "".join(piece.text for piece in found) == TEXT
    assert sum(piece.heat is not None for piece in found) == len(spans)


def test_the_page_shows_texts_with_their_tokens_shaded(change, panel, exemplar):
    heat_hw = np.float32([[0, 1, 2, 4]])
    texts = tuple(
        exemplar(n, image=None, text=TEXT, spans=SPANS, heat_hw=heat_hw, positive=n == 0)
        for n in range(2)
    )
    html = render(change(panels=(panel(exemplars=texts),)))
    assert html.count("<pre title=") == 2
    assert '<mark style="--heat: 1.0" class="hot">1</mark>' in html
    assert "&lt;a&gt;</mark>:\n    <mark" in html
    assert "picture 0 (has trait 0)" in html
    assert "The higher the score of a token" in html
    assert "Point at a picture" not in html


def test_a_text_without_spans_is_shown_as_it_is(change, panel, exemplar):
    texts = (exemplar(0, image=None, text=TEXT, heat_hw=None),)
    html = render(change(panels=(panel(exemplars=texts),)))
    assert ">if &lt;a&gt;:\n    b = 1</pre>" in html
    assert "scale" not in html.partition('class="panel"')[2].partition("</header>")[0]
