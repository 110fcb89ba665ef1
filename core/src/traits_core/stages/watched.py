"""What trackers are told of a run as a whole: that it began, what it found, how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from traits_core.stages.probe import read_result
from traits_core.stages.rundir import RunDirectory


@contextmanager
def watched(run: RunDirectory) -> Iterator[None]:
    """Have the trackers watch while the stages of `run`, locked by the caller, are at work."""
    run.trackers.start(run.root, run.root.name, run.config.to_json())
    try:
        yield
    except BaseException:
        run.trackers.finish(ok=False)
        raise
    run.trackers.finish(ok=True)


def publish(run: RunDirectory) -> None:
    """Give the trackers the mAP of each headline row, as `map/method`, and the report, and end."""
    headline = read_result(run).headline
    run.trackers.summarize({f"map/{row['row']}": row["map"] for row in headline})
    run.trackers.artifact("report", run.report)
    run.trackers.finish(ok=True)
