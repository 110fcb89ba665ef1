"""How long work tells people where it is; the command line draws it, a library call stays silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Receives what is being done. Nothing in it can change a result."""

    def say(self, text: str) -> None:
        """Tell one line."""

    def track(
        self, label: str, total: int, unit: str, done: int = 0
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Follow work of `total` units, `done` of them already; call the result to advance by n."""


class Silent:
    """Tells nobody."""

    def say(self, text: str) -> None:
        """Drop the line."""

    @contextmanager
    def track(
        self, label: str, total: int, unit: str, done: int = 0
    ) -> Iterator[Callable[[int], None]]:
        """Yield a function that does nothing."""
        yield lambda n: None
