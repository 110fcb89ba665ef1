"""How a plugin declares an option: an attrs field that carries its help text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs


def option(
    default: Any = attrs.NOTHING,
    *,
    help: str,  # noqa: A002  # the name that attrs, argparse and typer users expect
    validator: Callable[[Any, Any, Any], Any] | None = None,
) -> Any:
    """Declare one option of a config class; it becomes `--method.<name>` and a key in TOML.

    Without a `default` the option is required. `validator` is any attrs validator. Types may be
    int, float, bool, str, Path, Literal, `X | None` and `tuple[X, ...]` of these.
    """
    return attrs.field(default=default, validator=validator, metadata={"help": help})
