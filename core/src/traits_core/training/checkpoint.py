"""Checkpoints: the state of a method and its place in the stream, durable, the last two kept."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs

from traits_core.errors import StoreError
from traits_core.protocols import Method
from traits_core.tensors import load_tensors, save_tensors

KEPT: Final = 2


@attrs.frozen(kw_only=True)
class Cursor:
    """Where training is: the next batch to take, and the steps and seconds behind it."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0


def save_checkpoint(directory: Path, method: Method, cursor: Cursor) -> None:
    """Write `step-<n>.safetensors` and drop all but the newest two."""
    directory.mkdir(exist_ok=True)
    path = directory / f"step-{cursor.step:09d}.safetensors"
    save_tensors(path, method.state_dict(), attrs.asdict(cursor))
    for old in checkpoints(directory)[:-KEPT]:
        old.unlink()


def restore_checkpoint(directory: Path, method: Method) -> Cursor | None:
    """Load the newest checkpoint into `method` and return its cursor; None when there is none.

    Raises StoreError when the checkpoint is damaged or not of this method.
    """
    found = checkpoints(directory)
    if not found:
        return None
    tensors, facts = load_tensors(found[-1])
    try:
        method.load_state_dict(tensors)
        return Cursor(**facts)
    except Exception as error:
        raise StoreError(
            f"{found[-1]}: not a checkpoint of this method ({error}); "
            "delete it to go on from the one before"
        ) from error


def checkpoints(directory: Path) -> list[Path]:
    """All complete checkpoints, oldest first."""
    return sorted(directory.glob("step-*.safetensors"))
