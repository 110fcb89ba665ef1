"""Facts about source, and where they are."""

import ast

import pytest

from traits_plugin_datasets.python_syntax import TRAITS, syntax_places

SOURCE = """\
import re

é = "ö"; from os import path

@cached
class Café:
    @property
    def name(self):
        with open("x") as f: return [re.sub(é, "", line[0]) for line in f if line]

    def each(self):
        try:
            for x in (lambda: 1), f"{x}": yield x
        except ValueError:
            raise
        assert self
        if self: print()

    @cached
    async def all(self):
        async with self:
            async for y in self: await y
"""


def test_places_are_where_the_source_says_so():
    begins = {
        "import": {"import re", "from os"},
        "class": {"class Café"},
        "function": {"def name", "def each", "async def"},
        "return": {"return"},
        "yield": {"yield"},
        "lambda": {"lambda"},
        "if": {"if self:"},
        "loop": {"for x", "async for"},
        "with": {"with", "async with"},
        "raise": {"raise"},
        "except": {"except"},
        "assert": {"assert"},
        "call": {"open", "re.sub", "print"},
        "subscript": {"line[0]"},
        "comprehension": {"[re.sub"},
        "f-string": {'f"{x}"'},
        "decorator": {"cached\nclass", "property", "cached\n    async"},
        "regex": {"re.sub"},
    }
    found = {trait: set() for trait in TRAITS}
    for place, trait in syntax_places(SOURCE):
        found[trait].add(place)
    assert found == {
        trait: {SOURCE.index(text) for text in texts} for trait, texts in begins.items()
    }


def test_source_that_does_not_parse_is_refused():
    with pytest.raises(SyntaxError):
        list(syntax_places("def"))


def test_functions_are_as_many_as_ast_finds():
    source = "\n".join(f"def f{n}(): return {n}" for n in range(30))
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    places = [trait for _, trait in syntax_places(source)]
    assert places.count("function") == len(functions) == 30
