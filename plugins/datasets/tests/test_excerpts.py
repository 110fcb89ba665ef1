"""Excerpts: full, in order, without overlap, and cut as their own text is cut."""

import re

from hypothesis import given
from hypothesis import strategies as st

from traits_plugin_datasets.excerpts import excerpts


def words(text):
    return tuple(match.span() for match in re.finditer(r"\S+", text))


def pairs(text):
    """Tokens of two words: where one begins depends on what comes before it."""
    spans = words(text)
    return tuple(
        (spans[i][0], spans[min(i + 1, len(spans) - 1)][1]) for i in range(0, len(spans), 2)
    )


def with_newlines(text):
    """Words, and the ends of lines as tokens of their own."""
    return tuple(match.span() for match in re.finditer(r"\S+|\n", text))


TEXTS = st.text(alphabet="ab \n", max_size=80)


@given(TEXTS, st.integers(1, 6), st.sampled_from([words, pairs, with_newlines]))
def test_excerpts_are_full_parts_of_the_text_without_overlap(text, tokens, spans_of):
    end = 0
    for part in excerpts(text, tokens, spans_of):
        assert part.start >= end
        assert text[part.start : part.end] == part.text
        assert part.start == 0 or text[part.start - 1] == "\n"
        assert len(part.spans) == tokens
        assert part.spans == spans_of(part.text)
        assert part.spans[-1][1] == len(part.text)
        end = part.end


def test_an_excerpt_begins_with_the_next_line_after_the_one_before():
    text = "\n  a b\nc d e\n\n f\ng h i\nj"
    assert [part.text for part in excerpts(text, 3, words)] == ["  a b\nc", " f\ng h"]


def test_a_line_that_is_cut_otherwise_by_itself_is_passed_over():
    def marked(text):
        return words(text)[: None if text.startswith("b") or "a" in text else 1]

    assert [part.text for part in excerpts("a\nc c\nb c\nd d", 2, marked)] == ["a\nc", "b c"]


def test_a_token_that_is_the_end_of_a_line_is_passed_over_too():
    def alone(text):
        return with_newlines(text)[: None if "c" in text else 1]

    assert list(excerpts("\na b\nc", 2, alone)) == []


def test_a_short_text_has_no_excerpt():
    assert list(excerpts("", 1, words)) == list(excerpts("a b", 3, words)) == []
