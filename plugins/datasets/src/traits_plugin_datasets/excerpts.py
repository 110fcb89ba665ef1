"""Excerpts of a text with exactly as many tokens as a backbone has positions: nothing is padded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator

import attrs

Spans = tuple[tuple[int, int], ...]
"""(start, end) characters of each token of a text."""


@attrs.frozen
class Excerpt:
    """A part of a longer text.

    Parameters
    ----------
    start: its first character in the longer text
    text: what it says
    spans: its tokens, counted from its own beginning
    """

    start: int
    text: str
    spans: Spans

    @property
    def end(self) -> int:
        """The character of the longer text that follows it."""
        return self.start + len(self.text)


def excerpts(text: str, tokens: int, spans_of: Callable[[str], Spans]) -> Iterator[Excerpt]:
    """Yield parts of `text`, in order and without overlap, that have `tokens` tokens by themselves.

    Each begins with a line and ends with a token. A line is passed over when what begins there is
    cut into another number of tokens by itself than within `text`.
    """
    spans = spans_of(text)
    starts = [start for start, _ in spans]
    first = 0
    while first + tokens <= len(spans):
        start = text.rfind("\n", 0, starts[first]) + 1
        end = spans[first + tokens - 1][1]
        part = Excerpt(start, text[start:end], spans_of(text[start:end]))
        kept = len(part.spans) == tokens
        if kept:
            yield part
        following = text.find("\n", end if kept else starts[first])
        if following < 0:
            return
        first = bisect_right(starts, following)
