"""Works timed in turn, so that whatever else the machine does hits all of them, and the lines they make."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

Work = Callable[[], Any]


def processor() -> str:
    """The model of the processor, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def machine() -> str:
    """Processor, the threads we may use, and the load that others make."""
    return f"{processor()}, {len(os.sched_getaffinity(0))} threads, load {os.getloadavg()[0]:.1f}"


@attrs.frozen(kw_only=True)
class Line:
    """One result: `ratio` > 1 means ours is better, `of_floor` is how close it comes to the limit."""

    case: str
    metric: str
    unit: str
    ours: float
    peer: str | None = None
    theirs: float | None = None
    ratio: float | None = None
    floor: float | None = None
    of_floor: float | None = None
    bench: str = "store"
    machine: str = attrs.field(factory=machine)


def in_turn(
    works: Mapping[str, Work], repeats: int, before: Work = lambda: None
) -> dict[str, list[float]]:
    """Seconds of each work in each of `repeats` rounds, after a warm-up round; `before` is not timed."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for round_ in range(repeats + 1):
        for name, work in works.items():
            before()
            seconds = timed(work)
            if round_:
                times[name].append(seconds)
    return times


def timed(work: Work) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def speeds(
    case: str,
    amount: float,
    ours: list[float],
    peers: Mapping[str, list[float]],
    floor: list[float],
) -> Iterator[Line]:
    """Best and median speed of `amount` MB beside each peer; times may be of other amounts, scaled."""
    for metric, of in (("best", min), ("median", statistics.median)):
        speed, limit = amount / of(ours), amount / of(floor)
        for peer, times in peers.items():
            theirs = amount / of(times) if times else None
            yield Line(
                case=case,
                metric=metric,
                unit="MB/s of float32",
                ours=speed,
                peer=peer if times else f"{peer} (skipped: not installed)",
                theirs=theirs,
                ratio=speed / theirs if theirs else None,
                floor=limit,
                of_floor=speed / limit,
            )
