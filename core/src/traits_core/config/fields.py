"""How a plugin declares an option: an attrs field that carries its help text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import attrs

PLAIN_TYPES: Final = (int, float, bool, str, Path)
ALLOWED_TYPES: Final = (
    "int, float, bool, str, Path, Literal of texts or integers, `X | None` and `tuple[X, ...]`"
)


def option(
    default: Any = attrs.NOTHING,
    *,
    help: str,  # noqa: A002  # the name that attrs, argparse and typer users expect
    validator: Callable[[Any, Any, Any], Any] | None = None,
    contents: bool = False,
) -> Any:
    """Declare one option of a config class; it becomes `--method.<name>` and a key in TOML.

    Without a `default` the option is required. `validator` is any attrs validator. Types may be
    int, float, bool, str, Path, Literal, `X | None` and `tuple[X, ...]` of these.

    `contents`: of a method's `Path` or `Path | None`: the method reads this file, or the files of this
    directory. It must be there before a run begins, and a run goes on only while it is unchanged.
    """
    metadata = {"help": help, "contents": contents}
    return attrs.field(default=default, validator=validator, metadata=metadata)


def optional_type(kind: Any) -> Any:
    """The `X` of `X | None`; None for every other type."""
    if get_origin(kind) not in (Union, UnionType):
        return None
    inner = [arg for arg in get_args(kind) if arg is not NoneType]
    return inner[0] if len(inner) == 1 else None


def is_option_type(kind: Any) -> bool:
    """Whether a value of this type can be typed on a command line and read back from a file."""
    if get_origin(kind) is Literal:
        return all(type(choice) in (str, int) for choice in get_args(kind))
    if get_origin(kind) is tuple:
        items = [arg for arg in get_args(kind) if arg is not Ellipsis]
        return bool(items) and all(is_option_type(i) and get_origin(i) is not tuple for i in items)
    inner = optional_type(kind)
    return is_option_type(inner) if inner is not None else kind in PLAIN_TYPES
