"""Progress on a terminal as bars, elsewhere as lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

import attrs
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from traits_core.progress import Progress as ProgressProtocol

EVERY_SECONDS: Final = 10.0


def make_progress(stream: TextIO) -> ProgressProtocol:
    """Bars when `stream` is a terminal, lines when it is not."""
    return Bars(Console(file=stream, highlight=False)) if stream.isatty() else Lines(stream)


@attrs.frozen
class Bars:
    """A bar with throughput and time left for each piece of work, which leaves one line behind when there was any."""

    console: Console

    def say(self, text: str) -> None:
        """Print the line above the bar."""
        self.console.print(text, markup=False)

    @contextmanager
    def track(
        self, label: str, total: int, unit: str, done: int = 0
    ) -> Iterator[Callable[[int], None]]:
        """Draw a bar while the work lasts."""
        columns = (
            TextColumn("  {task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total} {task.fields[unit]}"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(label, total=total, completed=done, unit=unit, rate="")
            began, advanced = time.monotonic(), 0

            def advance(n: int) -> None:
                nonlocal advanced
                advanced += n
                rate = f"{advanced / max(time.monotonic() - began, 1e-9):,.0f}/s"
                progress.update(task, advance=n, rate=rate)

            yield advance
        if advanced:
            self.say(_summary(label, done + advanced, unit, advanced, time.monotonic() - began))


@attrs.frozen
class Lines:
    """A line every ten seconds, and one at the end of any work."""

    stream: TextIO

    def say(self, text: str) -> None:
        """Write the line at once."""
        print(text, file=self.stream, flush=True)

    @contextmanager
    def track(
        self, label: str, total: int, unit: str, done: int = 0
    ) -> Iterator[Callable[[int], None]]:
        """Report now and then while the work lasts."""
        began, advanced, told = time.monotonic(), 0, time.monotonic()

        def advance(n: int) -> None:
            nonlocal advanced, told
            advanced += n
            now = time.monotonic()
            if now - told >= EVERY_SECONDS:
                told = now
                rate = advanced / (now - began)
                left = (total - done - advanced) / rate
                self.say(
                    f"  {label}: {done + advanced}/{total} {unit}, {rate:,.0f}/s, {left:.0f} s left"
                )

        yield advance
        if advanced:
            self.say(_summary(label, done + advanced, unit, advanced, time.monotonic() - began))


def _summary(label: str, reached: int, unit: str, advanced: int, seconds: float) -> str:
    rate = advanced / max(seconds, 1e-9)
    return f"  {label}: {reached} {unit} in {seconds:.1f} s ({rate:,.0f}/s)"
