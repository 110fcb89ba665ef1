"""A run as a tracker sees it, in a process of its own: what is told, and what the process is seen to do."""

from __future__ import annotations

import atexit
import json
import sys
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from traits_core.config.structure import structure
from traits_core.errors import PluginError
from traits_core.protocols import Tracker
from traits_core.specs import load_object
from traits_core.testing.audit import listen

CONFIG: Final = {"method": {"name": "none", "layers": [1, 2], "rate": 0.5}, "seed": 0, "note": None}
REPORT: Final = "report.html"
NAME: Final = "none-none-0123456789ab"


def watch(
    factory: str, config: str, options: Mapping[str, Any], run: str, first: int, last: int, ok: bool
) -> None:
    """Tell a tracker of the steps [first, last) of the run in directory `run`; a whole one if `ok`.

    At its very end the process prints an object: `refused`, why the factory refuses; `network`,
    where it connected; `changed`, which arguments are no longer what they were.
    """
    answer: dict[str, Any] = {"refused": "", "network": [], "changed": []}

    def listener(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            answer["network"].append(str(arguments[1][0]))
        elif event == "socket.getaddrinfo":
            answer["network"].append(str(arguments[0]))

    listen(listener)
    atexit.register(_report, answer)  # before the tracker's own: it is called after them
    build, options_class = load_object(factory, "tracker"), load_object(config, "config")
    try:
        tracker: Tracker = build(structure(options_class, options, "tracker."))
    except PluginError as error:
        answer["refused"] = str(error)
    else:
        answer["changed"] = _tell(tracker, Path(run), first, last, ok)


def _report(answer: dict[str, Any]) -> None:
    outside = sorted({host for host in answer["network"] if not _is_local(host)})
    sys.stdout.write("\n" + json.dumps({**answer, "network": outside}) + "\n")


def _tell(tracker: Tracker, run: Path, first: int, last: int, ok: bool) -> list[str]:
    """Call the tracker as the core does; the names of the arguments that it changed."""
    config = deepcopy(CONFIG)
    metrics = [
        {"epoch": 0, "seconds": step / 8, "step/loss": 1 / (step + 1)} for step in range(last)
    ]
    summary = {"map/method": 0.5, "map/constant": 0.25}
    before = deepcopy((config, metrics, summary))
    tracker.start(run, NAME, config)
    for step in range(first, last):
        tracker.log(step, metrics[step])
        if step % 2:
            tracker.log(step, {"epoch": step // 2, "seconds": step / 8, "epoch/loss": 0.5})
    if ok:
        tracker.summarize(summary)
        tracker.artifact("report", run / REPORT)
    tracker.finish(ok)
    names = ("the run's config", "metrics of a step", "metrics of the run")
    after = (config, metrics, summary)
    return [name for name, a, b in zip(names, before, after, strict=True) if a != b]


def _is_local(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"
