"""Excerpts of one Python file, each with the classes of its tokens and the syntax that begins in it."""

from __future__ import annotations

import tokenize
from bisect import bisect_left
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from traits_core import DataError
from traits_plugin_datasets.excerpts import Excerpt, Spans, excerpts
from traits_plugin_datasets.python_syntax import syntax_places
from traits_plugin_datasets.python_tokens import character_classes, class_of_span
from traits_plugin_datasets.selection import spread


@attrs.frozen
class LabelledExcerpt:
    """An excerpt of a file.

    Parameters
    ----------
    id: file and line, as in `ast.py:120`
    text: what it says
    spans: (start, end) characters of its tokens
    classes: of its tokens, indices into `python_tokens.CLASSES`
    traits: those of `python_syntax.TRAITS` that begin in it
    """

    id: str
    text: str
    spans: Spans
    classes: tuple[int, ...]
    traits: tuple[str, ...]


def labelled_excerpts(
    path: Path, tokens: int, limit: int, spans_of: Callable[[str], Spans]
) -> Iterator[LabelledExcerpt]:
    """Yield at most `limit` excerpts of `tokens` tokens, spread evenly over the file.

    Raises DataError when the file cannot be read as Python source.
    """
    try:
        with tokenize.open(path) as file:
            source = file.read()
        classes, places = character_classes(source), sorted(syntax_places(source))
    except (OSError, SyntaxError, ValueError, tokenize.TokenError) as error:
        raise DataError(
            f"{path.name} of the standard library cannot be read ({error}): "
            "run a Python that has its library as source files"
        ) from error
    parts = list(excerpts(source, tokens, spans_of))
    for index in spread(len(parts), limit).tolist():
        yield _labelled(path.name, source, parts[index], classes, places)


def _labelled(
    file: str, source: str, part: Excerpt, classes: bytes, places: list[tuple[int, str]]
) -> LabelledExcerpt:
    within = places[bisect_left(places, (part.start,)) : bisect_left(places, (part.end,))]
    return LabelledExcerpt(
        id=f"{file}:{source.count(chr(10), 0, part.start) + 1}",
        text=part.text,
        spans=part.spans,
        classes=tuple(
            class_of_span(classes, part.start + start, part.start + end)
            for start, end in part.spans
        ),
        traits=tuple(sorted({trait for _, trait in within})),
    )
