"""What a tracker must keep: it watches any run to its end, and changes nothing of run or machine.

Each check watches in a process of its own, where home, cache and temporary files are in one
directory: whatever a tracker starts or writes is seen there, and ends with it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import attrs

from traits_core.config.run_config import Choice
from traits_core.testing.case import Case, Check
from traits_core.testing.expect import NotApplicable, expect
from traits_core.testing.fresh import run_fresh
from traits_core.testing.watched_run import REPORT

STEPS: Final = 6
PATIENCE: Final = 5.0
"""Seconds that processes of a tracker have to end after the run."""
PROCESSES: Final = Path("/proc")
RECORD: Final = {
    "run.json": '{"seed": 0}\n',
    "metrics.jsonl": '{"step": 1}\n',
    REPORT: "<!doctype html>",
}
_WATCH: Final = """
from traits_core.testing.watched_run import watch
watch(**given)
"""
_WATCH_UNTOUCHED: Final = """
from traits_core.testing.surroundings import untouched
from traits_core.testing.watched_run import watch
with untouched("watching a run"):
    watch(**given)
"""


@attrs.frozen
class _Machine:
    """A directory with a run in it, and with all else that a process may write to."""

    root: Path

    @property
    def run(self) -> Path:
        return self.root / "runs" / "none-none-0123456789ab"

    @property
    def environment(self) -> dict[str, str]:
        """Home, caches and temporary files; a proxy that is not there ends all connections."""
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://proxy.invalid")
        places = {"HOME": "home", "XDG_CACHE_HOME": "home/.cache", "TMPDIR": "tmp"}
        return (
            {name: str(self.root / place) for name, place in places.items()}
            | proxies
            | {name.upper(): proxy for name, proxy in proxies.items()}
        )

    def watch(
        self, case: Case, first: int = 0, last: int = STEPS, ok: bool = True, code: str = _WATCH
    ) -> dict[str, Any]:
        """Watch steps [first, last) of the run; raises NotApplicable when the factory refuses."""
        options = Choice(case.spec, case.options()).to_json()
        del options["name"]
        config = case.spec.config
        answer = run_fresh(
            code,
            self.environment,
            self.root / "cwd",
            factory=case.spec.factory,
            config=f"{config.__module__}:{config.__qualname__}",
            options=options,
            run=str(self.run),
            first=first,
            last=last,
            ok=ok,
        )
        if answer["refused"]:
            raise NotApplicable(answer["refused"])
        return answer  # type: ignore[no-any-return]  # what `watch` returns


def check_watches_a_whole_run(case: Case) -> None:
    """Start, steps and epochs, numbers of the run, a report, the end: all in order, none raises."""
    with _machine() as machine:
        machine.watch(case)


def check_failed_run_is_finished(case: Case) -> None:
    """A run that fails after some steps, or before the first one, is finished as such."""
    for last in (STEPS, 0):
        with _machine() as machine:
            machine.watch(case, last=last, ok=False)


def check_resumed_run_may_repeat_steps(case: Case) -> None:
    """A run that was interrupted starts again, and logs steps that were logged before."""
    with _machine() as machine:
        machine.watch(case, ok=False)
        machine.watch(case, first=STEPS // 2, last=2 * STEPS)


def check_needs_no_network(case: Case) -> None:
    """With the options of its example it connects to this machine only."""
    with _machine() as machine:
        network = machine.watch(case)["network"]
        expect(
            not network, f"it connects to {', '.join(network)}: make an offline mode its example"
        )


def check_writes_in_the_run_directory_only(case: Case) -> None:
    """All its files are below the run directory, but for those in the user's cache."""
    with _machine() as machine:
        machine.watch(case)
        cache = machine.root / "home" / ".cache"
        strays = [
            str(path.relative_to(machine.root))
            for path in sorted(machine.root.rglob("*"))
            if path.is_file() and not {machine.run, cache} & set(path.parents)
        ]
        expect(not strays, f"it writes outside the run directory: {', '.join(strays[:3])}")


def check_run_is_left_as_it_is(case: Case) -> None:
    """The files of the run, and what the tracker is told, are as they were."""
    with _machine() as machine:
        changed = machine.watch(case)["changed"]
        expect(not changed, f"it changes what it is told: {', '.join(changed)}")
        for name, text in RECORD.items():
            path = machine.run / name
            expect(path.is_file() and path.read_text() == text, f"it changes {name} of the run")


def check_no_process_stays(case: Case) -> None:
    """What it starts has ended soon after the run."""
    if not PROCESSES.is_dir():
        raise NotApplicable("processes cannot be listed here")
    with _machine() as machine:
        machine.watch(case)
        left = _processes(machine.root)
        deadline = time.monotonic() + PATIENCE
        while left and time.monotonic() < deadline:
            time.sleep(0.1)
            left = _processes(machine.root)
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        expect(not left, f"{len(left)} processes go on after the run: end them in `finish`")


def check_global_state_is_untouched(case: Case) -> None:
    """Watching a run leaves the process as it was: it must not decide what the run computes."""
    with _machine() as machine:
        machine.watch(case, code=_WATCH_UNTOUCHED)


def _processes(root: Path) -> list[int]:
    """Processes whose temporary files are below `root`."""
    mark = f"TMPDIR={root / 'tmp'}\0".encode()
    found = []
    for entry in PROCESSES.iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and mark in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


@contextmanager
def _machine() -> Iterator[_Machine]:
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        machine = _Machine(Path(directory).resolve())
        for name in ("home/.cache", "tmp", "cwd"):
            (machine.root / name).mkdir(parents=True)
        machine.run.mkdir(parents=True)
        for name, text in RECORD.items():
            (machine.run / name).write_text(text)
        yield machine


CHECKS: Final[tuple[Check, ...]] = (
    check_watches_a_whole_run,
    check_failed_run_is_finished,
    check_resumed_run_may_repeat_steps,
    check_needs_no_network,
    check_writes_in_the_run_directory_only,
    check_run_is_left_as_it_is,
    check_no_process_stays,
    check_global_state_is_untouched,
)
