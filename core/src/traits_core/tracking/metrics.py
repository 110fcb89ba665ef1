"""`metrics.jsonl`: the record of a run, one JSON object a line; trackers mirror it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from traits_core.durable import write_text
from traits_core.errors import StageError
from traits_core.records import Histogram
from traits_core.tracking.trackers import Trackers


@attrs.frozen
class MetricsLog:
    """Appends to the record at `path`, which may not exist yet, and tells `trackers`."""

    path: Path
    trackers: Trackers = attrs.field(factory=Trackers)

    def append(
        self,
        kind: str,
        step: int,
        epoch: int,
        seconds: float,
        metrics: Mapping[str, float],
        histograms: Mapping[str, Histogram] | None = None,
    ) -> None:
        """Add one line: `kind` is `step` or `epoch`; `seconds` is training time so far.

        Trackers see a metric as `kind/name`: an epoch's inertia is not that of its last step.
        """
        seconds = round(seconds, 4)
        line = {"kind": kind, "step": step, "epoch": epoch, "seconds": seconds}
        with self.path.open("a", encoding="utf-8") as file:
            shapes = {name: attrs.asdict(value) for name, value in (histograms or {}).items()}
            file.write(json.dumps({**line, **metrics, **shapes}) + "\n")
        named = {f"{kind}/{name}": value for name, value in metrics.items()}
        self.trackers.log(step, {"epoch": epoch, "seconds": seconds, **named})
        if histograms:
            shown = {f"{kind}/{name}": value for name, value in histograms.items()}
            self.trackers.log_histograms(step, shown)

    def rewind(self, step: int) -> None:
        """Drop the lines after `step`, which a resumed run writes again, and a torn last line.

        Trackers may keep what they saw of these steps: the record is right, they mirror it.

        Raises StageError when another line is damaged.
        """
        if self.path.exists():
            kept = [line for line in read_metrics(self.path) if line.get("step", 0) <= step]
            write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))


def read_metrics(path: Path) -> Iterator[Mapping[str, Any]]:
    """The lines of a `metrics.jsonl`, none when it is not there; a torn last line is left out.

    Raises StageError when another line is damaged.
    """
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        try:
            if line.endswith("\n"):
                yield dict(json.loads(line))
        except (TypeError, ValueError) as error:
            raise StageError(
                f"{path}: line {number} is damaged ({error}): move the file away to go on without the "
                "record of training"
            ) from error
