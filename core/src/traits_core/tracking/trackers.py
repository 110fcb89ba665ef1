"""The trackers of one run, guarded: they watch, and whatever happens to them, the run goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from traits_core.progress import Progress, Silent
from traits_core.protocols import HistogramTracker, Tracker
from traits_core.records import Histogram


@attrs.define
class Trackers:
    """Tells each tracker what happens; one that raises is dropped, with one warning.

    Nothing more is called on a dropped tracker, `finish` included.

    Parameters
    ----------
    watching: by name, freshly built; the dropped ones leave it
    progress: is told which one was dropped, and why
    """

    watching: dict[str, Tracker] = attrs.field(factory=dict)
    progress: Progress = attrs.field(factory=Silent)

    def start(self, run_directory: Path, name: str, config: Mapping[str, Any]) -> None:
        """Begin to watch; once, before everything else."""
        self._tell(lambda tracker: tracker.start(run_directory, name, config))

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Pass on the metrics of one training step."""
        self._tell(lambda tracker: tracker.log(step, metrics))

    def log_histograms(self, step: int, histograms: Mapping[str, Histogram]) -> None:
        """Pass on the histograms of one training step to those that can show them."""

        def call(tracker: Tracker) -> None:
            if isinstance(tracker, HistogramTracker):
                tracker.log_histograms(step, histograms)

        self._tell(call)

    def summarize(self, metrics: Mapping[str, float]) -> None:
        """Pass on the numbers of the run as a whole."""
        self._tell(lambda tracker: tracker.summarize(metrics))

    def artifact(self, name: str, path: Path) -> None:
        """Pass on a finished file."""
        self._tell(lambda tracker: tracker.artifact(name, path))

    def finish(self, ok: bool) -> None:
        """Stop watching: they hear nothing after it."""
        self._tell(lambda tracker: tracker.finish(ok))
        self.watching.clear()

    def _tell(self, call: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self.watching.items()):
            try:
                call(tracker)
            except Exception as error:  # a tracker may raise anything
                del self.watching[name]
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                self.progress.say(
                    f"warning: tracker {name!r} is dropped, the run goes on without it: {reason}"
                )
