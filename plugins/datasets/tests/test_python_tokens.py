"""Classes of characters, checked against what anybody can read, and against Python's own word lists."""

import keyword
import re
import sysconfig
import tokenize
from pathlib import Path

import pytest

from traits_plugin_datasets.python_tokens import (
    CLASSES,
    OTHER,
    character_classes,
    class_of_span,
    line_starts,
)

SOURCE = """\
# été: a comment
def größe(x: int = 0x1F) -> str:
\tif x and not x.y:  # is it?
        return '''two
lines''' + b"for"
\f
y = 1.5e3 \\
    if True else lambda: None
"""


def classes_of_words(source):
    """The class of each run of characters that are of one class, whitespace left out."""
    classes = character_classes(source)
    assert len(classes) == len(source)
    return [
        (match.group(), CLASSES[classes[match.start()]])
        for match in re.finditer(r"\S+", source)
        if len(set(classes[match.start() : match.end()])) == 1
    ]


def test_words_are_what_a_reader_says():
    expected = {
        "#": "comment",
        "été:": "comment",
        "def": "keyword",
        "0x1F)": None,
        "int": "name",
        "=": "operator",
        "->": "operator",
        "if": "keyword",
        "and": "keyword",
        "is": "comment",
        "it?": "comment",
        "'''two": "string",
        "lines'''": "string",
        "+": "operator",
        'b"for"': "string",
        "y": "name",
        "1.5e3": "number",
        "\\": "other",
        "True": "keyword",
        "None": "keyword",
    }
    source = SOURCE.replace("\t", "    ").replace("    if x", "        if x")
    found = dict(classes_of_words(source))
    assert {word: found.get(word) for word in expected} == expected


def test_whitespace_between_tokens_has_no_class():
    classes = character_classes("a  =  1\n")
    assert [CLASSES[kind] for kind in classes] == [
        "name",
        *["other"] * 2,
        "operator",
        *["other"] * 2,
        "number",
        "other",
    ]


@pytest.mark.parametrize("word", [*keyword.kwlist, *keyword.softkwlist])
def test_keywords_are_keywords_and_soft_ones_are_names(word):
    expected = "name" if word in keyword.softkwlist else "keyword"
    assert dict(classes_of_words(f"x = [ {word} ]\n"))[word] == expected
    assert dict(classes_of_words(f"# {word} \n"))[word] == "comment"
    assert dict(classes_of_words(f"x = ' {word} '\n"))[word] == "string"


def test_f_strings_are_strings_outside_of_braces():
    source = 'x = f"size {wide} cm"\n'
    classes = character_classes(source)
    assert CLASSES[classes[source.index("size")]] == "string"
    assert CLASSES[classes[source.index("cm")]] == "string"
    assert CLASSES[classes[source.index('f"')]] == "string"
    inside = "name" if hasattr(tokenize, "FSTRING_START") else "string"
    assert CLASSES[classes[source.index("wide")]] == inside


def test_a_form_feed_ends_no_line():
    source = "a = 1\n\f\nfor b in c: pass\n"
    assert line_starts(source)[2] == source.index("for")
    assert CLASSES[character_classes(source)[source.index("for")]] == "keyword"


def test_a_span_has_the_class_of_its_first_word():
    source = "x  # why"
    classes = character_classes(source)
    assert CLASSES[class_of_span(classes, 1, 5)] == "comment"
    assert class_of_span(classes, 1, 3) == class_of_span(classes, 2, 2) == OTHER


def test_every_keyword_of_a_library_file_is_found():
    source = (Path(sysconfig.get_path("stdlib")) / "ast.py").read_text(encoding="utf-8")
    classes = character_classes(source)
    words = [m for m in re.finditer(r"\w+", source) if m.group() == "elif"]
    code = [m for m in words if CLASSES[classes[m.start()]] == "keyword"]
    in_text = [m for m in words if CLASSES[classes[m.start()]] in ("string", "comment")]
    assert len(code) > 10
    assert len(code) + len(in_text) == len(words)
