"""`status.json`: which stages of a run are complete, from which inputs, with which outputs.

A stage is a function of its inputs, named by digest. It is skipped when it is complete and its
inputs are the same, runs (or resumes) when it is not complete, and is refused when its inputs are
not those that it began with.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from traits_core.config.structure import structure_record, unstructure
from traits_core.durable import write_json
from traits_core.errors import StageError
from traits_core.progress import Progress


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
    except ValueError as error:
        raise StageError(
            f"{root}/status.json: damaged ({error}); delete it to redo the stages"
        ) from error


def perform(
    root: Path,
    name: str,
    inputs: Mapping[str, str],
    output: Callable[[], str | None],
    work: Callable[[], None],
    progress: Progress,
) -> None:
    """Bring one stage to completion.

    Parameters
    ----------
    root: directory of the run, locked by the caller
    name: of the stage
    inputs: digest of each input and of the part of the configuration that matters
    output: digest of what the stage has made, None when that is absent or incomplete
    work: makes it, or goes on making it

    Raises StageError when the inputs, or a finished output, have changed.
    """
    states = read_status(root)
    before = states.get(name)
    if before is not None:
        _refuse_changes(root, name, before, inputs)
        made = output() if before.output else None
        if made is not None and made == before.output:
            progress.say(f"{name}: complete")
            return
        if made is not None:
            raise StageError(
                f"{name}: its output in {root} was changed after it was finished; "
                "remove that output to make it again"
            )
    began = before.began if before else _now()
    state = StageState(inputs=dict(inputs), began=began)
    _write(root, {**states, name: state})
    progress.say(f"{name}: going on" if before else f"{name}:")
    started = time.monotonic()
    work()
    made = output()
    if made is None:
        raise StageError(f"{name}: ended without its output in {root}")
    _write(root, {**states, name: attrs.evolve(state, ended=_now(), output=made)})
    progress.say(f"  done in {time.monotonic() - started:.1f} s")


def _refuse_changes(root: Path, name: str, before: StageState, inputs: Mapping[str, str]) -> None:
    changed = [
        f"{key} ({before.inputs.get(key, 'absent')[:12]} -> {inputs.get(key, 'absent')[:12]})"
        for key in sorted({*before.inputs, *inputs})
        if before.inputs.get(key) != inputs.get(key)
    ]
    if changed:
        raise StageError(
            f"{name}: inputs changed since it began: {', '.join(changed)}. "
            f"Remove {root} to start afresh, or keep it and use another --home"
        )


def _write(root: Path, states: Mapping[str, StageState]) -> None:
    write_json(root / "status.json", {name: unstructure(state) for name, state in states.items()})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
