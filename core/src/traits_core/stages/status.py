"""`status.json`: which stages of a run are complete, from which inputs, with which outputs.

A stage is a function of its inputs, named by digest. It is skipped when it is complete and its
inputs are the same, runs (or resumes) when it is not complete, and runs anew when the run has made an
input again, with another content. It is refused when the data that the run stands on has changed.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import attrs

from traits_core.config.structure import structure_record, unstructure
from traits_core.durable import write_json
from traits_core.errors import StageError
from traits_core.progress import Progress

Outlook = Literal["complete", "begun", "to do", "again"]
"""What is done of a stage; `again` of one whose output is out of date."""


@attrs.frozen(kw_only=True)
class StageState:
    """One stage in `status.json`; `output` is None until it is complete."""

    inputs: dict[str, str]
    began: str
    ended: str | None = None
    output: str | None = None


def read_status(root: Path) -> dict[str, StageState]:
    """The stages that have begun, by name."""
    try:
        raw: dict[str, Any] = json.loads((root / "status.json").read_text(encoding="utf-8"))
        return {name: structure_record(StageState, state) for name, state in raw.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise StageError(
            f"{root}/status.json: damaged ({error}); delete it to redo the stages"
        ) from error


@attrs.frozen(kw_only=True)
class Stage:
    """A step of a run: what it is made from, and what it makes.

    Parameters
    ----------
    name: of the stage
    label: which of several runs it is of; empty when there is one
    fixed: digest of each input that stays what it is as long as the run exists
    inputs: digest of each other input, and of the part of the configuration that matters
    place: the file or directory that it makes
    output: digest of that, None when it is absent or incomplete
    """

    name: str
    fixed: Mapping[str, str]
    inputs: Mapping[str, str] = attrs.field(factory=dict)
    place: Path
    output: Callable[[], str | None]
    label: str = ""

    @property
    def all_inputs(self) -> dict[str, str]:
        """What is recorded of it: fixed inputs, and the others."""
        return {**self.fixed, **self.inputs}

    @property
    def title(self) -> str:
        """What it is called when people are told of it."""
        return f"{self.name} {self.label}" if self.label else self.name


@attrs.frozen(kw_only=True)
class BegunStage:
    """A stage that is recorded as begun; `end` it when its output is there, else it stays begun."""

    root: Path
    stage: Stage
    state: StageState
    started: float
    progress: Progress
    leads: bool

    def end(self) -> None:
        """Record what was made; raises StageError when nothing was."""
        if self.leads:
            made = self.stage.output()
            if made is None:
                raise StageError(f"{self.stage.name}: ended without {self.stage.place}")
            _write(self.root, self.stage, attrs.evolve(self.state, ended=_now(), output=made))
        of = f"{self.stage.label}: " if self.stage.label else ""
        self.progress.say(f"  {of}done in {time.monotonic() - self.started:.1f} s")


def perform(root: Path, stage: Stage, work: Callable[[], None], progress: Progress) -> None:
    """Bring one stage of the run at `root`, which the caller has locked, to completion.

    `work` makes the stage's output, or goes on making it.

    Raises StageError when a fixed input, or a finished output, has changed.
    """
    begun = begin(root, stage, progress)
    if begun is not None:
        work()
        begun.end()


def begin(root: Path, stage: Stage, progress: Progress, leads: bool = True) -> BegunStage | None:
    """Record that a stage is being worked on; None when there is nothing to do.

    An output that is out of date is removed.

    Parameters
    ----------
    root: directory of the run, which the caller has locked
    stage: what is to be done
    progress: is told what is done
    leads: false in processes that take part in the work, but leave the record to another one

    Raises StageError when a fixed input, or a finished output, has changed.
    """
    before = read_status(root).get(stage.name)
    found = outlook(root, stage, before)
    if found == "complete":
        progress.say(f"{stage.title}: complete")
        return None
    if found == "again":
        progress.say(f"{stage.title}: out of date")
        _remove(stage.place)
        before = None
    state = StageState(inputs=stage.all_inputs, began=before.began if before else _now())
    if leads:
        _write(root, stage, state)
    progress.say(f"{stage.title}: going on" if before else f"{stage.title}:")
    return BegunStage(
        root=root,
        stage=stage,
        state=state,
        started=time.monotonic(),
        progress=progress,
        leads=leads,
    )


def outlook(root: Path, stage: Stage, before: StageState | None) -> Outlook:
    """What there is to do of a stage of the run at `root`, by what is recorded of it.

    Raises StageError when a fixed input, or a finished output, has changed.
    """
    if before is None:
        return "to do"
    if before.inputs != stage.all_inputs:
        _refuse_changes(root, stage, before)
        return "again"
    made = stage.output() if before.output else None
    if made is None:
        return "begun"
    if made != before.output:
        raise StageError(
            f"{stage.name}: {stage.place} was changed after it was finished; "
            "remove it to have it made again"
        )
    return "complete"


def _refuse_changes(root: Path, stage: Stage, before: StageState) -> None:
    changed = [
        f"{key} ({before.inputs.get(key, 'absent')[:12]} -> {stage.fixed.get(key, 'absent')[:12]})"
        for key in sorted({*before.inputs, *stage.fixed} - stage.inputs.keys())
        if before.inputs.get(key) != stage.fixed.get(key)
    ]
    if changed:
        raise StageError(
            f"{stage.name}: inputs changed since it began: {', '.join(changed)}. "
            f"Keep {root} and use another --home, or remove it to start afresh"
        )


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _write(root: Path, stage: Stage, state: StageState) -> None:
    states = {**read_status(root), stage.name: state}
    write_json(root / "status.json", {name: unstructure(state) for name, state in states.items()})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
