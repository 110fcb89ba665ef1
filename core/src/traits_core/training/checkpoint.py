"""Checkpoints: the state of a method and its place in the stream, durable, the last few kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import attrs
import torch

from traits_core.errors import StoreError
from traits_core.protocols import Comm, Method
from traits_core.tensors import load_facts, load_tensors, save_tensors
from traits_core.training.comm import NullComm

KEPT: Final = 2


@attrs.frozen(kw_only=True)
class Cursor:
    """Where training is: the next batch to take, and the steps and seconds behind it."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0


@attrs.frozen
class Checkpoints:
    """The checkpoints of one method in `directory`, which all processes see.

    Between two epochs the states of all processes are the same, so that any number of processes can
    go on from there; within an epoch each has sums of its own, and as many go on as there were. Kept
    are the last two checkpoints, and the last one between epochs.
    """

    directory: Path
    comm: Comm = attrs.field(factory=NullComm)

    def save(self, method: Method, cursor: Cursor) -> None:
        """Write `step-<n>.safetensors`, beside it one file per further process, and drop old ones."""
        self.directory.mkdir(exist_ok=True)
        facts = attrs.asdict(cursor) | {"world_size": self.comm.world_size}
        save_tensors(self._path(cursor.step, self.comm.rank), method.state_dict(), facts)
        self.comm.barrier()
        if self.comm.rank == 0:
            self._drop_old()

    def restore(self, method: Method) -> Cursor | None:
        """Load the newest checkpoint that these processes can go on from; None when there is none.

        Raises StoreError when it is damaged or not of this method.
        """
        step, own = self._choice()
        if step is None:
            return None
        path = self._path(step, self.comm.rank if own else 0)
        tensors, facts = load_tensors(path)
        try:
            method.load_state_dict(tensors)
            return _cursor(facts)
        except Exception as error:
            raise StoreError(
                f"{path}: not a checkpoint of this method ({error}); "
                "delete it to go on from the one before"
            ) from error

    def steps(self) -> list[int]:
        """The steps that there are checkpoints of, oldest first."""
        found = self.directory.glob(f"step-{'[0-9]' * 9}.safetensors")
        return sorted(int(path.stem.removeprefix("step-")) for path in found)

    def _choice(self) -> tuple[int | None, bool]:
        """The step to go on from, and whether each process has a state of its own; rank 0 decides."""
        choice = torch.zeros(2, dtype=torch.int64)
        if self.comm.rank == 0:
            for step in reversed(self.steps()):
                own = self._is_of_all(step)
                if own or self._is_between_epochs(step):
                    choice = torch.tensor([step + 1, int(own)])
                    break
        self.comm.all_sum(choice)
        after, own_state = choice.tolist()
        return (after - 1 if after else None), bool(own_state)

    def _is_of_all(self, step: int) -> bool:
        """True when as many processes as now have written a state, at the same place."""
        paths = [self._path(step, rank) for rank in range(self.comm.world_size)]
        if not all(path.exists() for path in paths):
            return False
        facts = [load_facts(path) for path in paths]
        places = {(fact["world_size"], fact["epoch"], fact["batch"]) for fact in facts}
        return len(places) == 1 and facts[0]["world_size"] == self.comm.world_size

    def _is_between_epochs(self, step: int) -> bool:
        return bool(load_facts(self._path(step, 0))["batch"] == 0)

    def _drop_old(self) -> None:
        steps = self.steps()
        kept = steps[-KEPT:]
        kept += next(([s] for s in reversed(steps) if self._is_between_epochs(s)), [])
        for step in set(steps).difference(kept):
            for path in self.directory.glob(f"step-{step:09d}.*"):
                path.unlink()

    def _path(self, step: int, rank: int) -> Path:
        suffix = f".rank-{rank}" if rank else ""
        return self.directory / f"step-{step:09d}{suffix}.safetensors"


def _cursor(facts: dict[str, Any]) -> Cursor:
    return Cursor(**{name: facts[name] for name in attrs.fields_dict(Cursor)})
