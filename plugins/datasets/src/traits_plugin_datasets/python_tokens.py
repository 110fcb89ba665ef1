"""What each character of Python source is: a keyword, a name, an operator, as `tokenize` says."""

from __future__ import annotations

import io
import keyword
import tokenize
from itertools import accumulate
from typing import Final

CLASSES: Final = ("other", "keyword", "name", "operator", "string", "comment", "number")
OTHER: Final = 0
CLASS_OF: Final = {
    "NAME": "name",
    "OP": "operator",
    "STRING": "string",
    "FSTRING_START": "string",
    "FSTRING_MIDDLE": "string",
    "FSTRING_END": "string",
    "COMMENT": "comment",
    "NUMBER": "number",
}
"""By the names in `tokenize.tok_name`, some of which are unknown to older versions of Python."""


def character_classes(source: str) -> bytes:
    r"""Return the class of each character, an index into CLASSES; whitespace is OTHER.

    Lines must end in `\n` alone. Python 3.12 and later see names within f-strings; before, an
    f-string is a string as a whole.
    """
    classes = bytearray(len(source))
    starts = line_starts(source)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        name = CLASS_OF.get(tokenize.tok_name[token.type])
        if name:
            kind = "keyword" if name == "name" and keyword.iskeyword(token.string) else name
            (first_row, first), (last_row, last) = token.start, token.end
            start, end = starts[first_row - 1] + first, starts[last_row - 1] + last
            classes[start:end] = bytes([CLASSES.index(kind)]) * (end - start)
    return bytes(classes)


def class_of_span(classes: bytes, start: int, end: int) -> int:
    """Return the class of the first character in [start, end) that has one, else OTHER."""
    return next((kind for kind in classes[start:end] if kind != OTHER), OTHER)


def line_starts(source: str) -> list[int]:
    r"""Return where each line begins; only `\n` ends a line, as for `tokenize` and `ast`."""
    return list(accumulate((len(line) + 1 for line in source.split("\n")), initial=0))
