"""Simple facts about Python source, and where they are: a class is defined here, a regex used there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from traits_plugin_datasets.python_tokens import line_starts

NODES: Final[dict[type[ast.AST], str]] = {
    ast.Import: "import",
    ast.ImportFrom: "import",
    ast.ClassDef: "class",
    ast.FunctionDef: "function",
    ast.AsyncFunctionDef: "function",
    ast.Return: "return",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.Lambda: "lambda",
    ast.If: "if",
    ast.For: "loop",
    ast.AsyncFor: "loop",
    ast.While: "loop",
    ast.With: "with",
    ast.AsyncWith: "with",
    ast.Raise: "raise",
    ast.ExceptHandler: "except",
    ast.Assert: "assert",
    ast.Call: "call",
    ast.Subscript: "subscript",
    ast.ListComp: "comprehension",
    ast.SetComp: "comprehension",
    ast.DictComp: "comprehension",
    ast.GeneratorExp: "comprehension",
    ast.JoinedStr: "f-string",
}
TRAITS: Final = (*dict.fromkeys(NODES.values()), "decorator", "regex")


def syntax_places(source: str) -> Iterator[tuple[int, str]]:
    """Yield (character, trait) for each piece of syntax in TRAITS, by where it begins.

    A regex is any use of the module `re`. Raises SyntaxError for source that does not parse.
    """
    lines, starts = source.split("\n"), line_starts(source)
    for node, trait in _found(ast.parse(source)):
        line = lines[node.lineno - 1].encode()
        yield starts[node.lineno - 1] + len(line[: node.col_offset].decode()), trait


def _found(tree: ast.AST) -> Iterator[tuple[ast.stmt | ast.expr | ast.excepthandler, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.stmt() | ast.expr() | ast.excepthandler() if type(node) in NODES:
                yield node, NODES[type(node)]
            case ast.Attribute(value=ast.Name(id="re")):
                yield node, "regex"
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from ((decorator, "decorator") for decorator in node.decorator_list)
