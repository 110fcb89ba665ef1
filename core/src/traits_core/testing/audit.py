"""Listening to what the interpreter reports of a piece of code: what it unpickles, where it connects."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

Listener = Callable[[str, tuple[Any, ...]], None]

_LISTENERS: Final[list[Listener]] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Pass every audit event of this process, with its arguments, to `listener` within the block."""
    listen(listener)
    try:
        yield
    finally:
        _LISTENERS.remove(listener)


def listen(listener: Listener) -> None:
    """Pass every audit event to `listener` from now on, to the end of this process."""
    _install()
    _LISTENERS.append(listener)


@cache
def _install() -> None:
    """Add the one hook: Python cannot take one away."""
    sys.addaudithook(_tell)


def _tell(event: str, arguments: tuple[Any, ...]) -> None:
    for listener in tuple(_LISTENERS):
        listener(event, arguments)
