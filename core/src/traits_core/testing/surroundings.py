"""The state of the process that plugin code must leave as it found it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import attrs
import numpy as np
import torch

from traits_core.testing.expect import fail


@attrs.frozen
class _Part:
    """How to read a part of the state, put it back, and compare it."""

    read: Callable[[], Any]
    write: Callable[[Any], Any]
    key: Callable[[Any], Any] = lambda value: value


def _set_directory(directory: Path) -> None:
    import os

    os.chdir(directory)


_PARTS: Final = {
    "torch's random generator": _Part(
        torch.get_rng_state, torch.set_rng_state, lambda state: state.numpy().tobytes()
    ),
    "numpy's random generator": _Part(
        np.random.get_state, np.random.set_state, lambda state: (state[1].tobytes(), *state[2:])
    ),
    "Python's random generator": _Part(random.getstate, random.setstate),
    "torch's default dtype": _Part(torch.get_default_dtype, torch.set_default_dtype),
    "torch's gradient mode": _Part(torch.is_grad_enabled, torch.set_grad_enabled),
    "torch's number of threads": _Part(torch.get_num_threads, torch.set_num_threads),
    "torch's matmul precision": _Part(
        torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    ),
    "torch's deterministic mode": _Part(
        torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    ),
    "numpy's error handling": _Part(np.geterr, lambda state: np.seterr(**state)),
    "the current directory": _Part(Path.cwd, _set_directory),
}


@attrs.frozen(eq=False)
class Surroundings:
    """A reading of the whole state."""

    values: dict[str, Any]

    @classmethod
    def read(cls) -> Self:
        """Read the state of this process."""
        return cls({name: part.read() for name, part in _PARTS.items()})

    def restore(self) -> None:
        """Put everything back that has changed since."""
        now = Surroundings.read()
        for name in self.changed(now):
            _PARTS[name].write(self.values[name])

    def changed(self, later: Surroundings) -> list[str]:
        """What is different in `later`."""
        return [
            name
            for name, part in _PARTS.items()
            if part.key(self.values[name]) != part.key(later.values[name])
        ]


@contextmanager
def kept_as_they_are() -> Iterator[None]:
    """Compute on one thread, and put the surroundings back afterwards, whatever a plugin did."""
    before = Surroundings.read()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        before.restore()


@contextmanager
def untouched(what: str) -> Iterator[None]:
    """Expect the block to leave the surroundings alone; `what` it does, for the message."""
    before = Surroundings.read()
    yield
    if changed := before.changed(Surroundings.read()):
        fail(f"{what} changed {', '.join(changed)}; use a generator of its own, or put it back")


@contextmanager
def other_global_seed(seed: int) -> Iterator[None]:
    """Seed the global generators, as any other code might have; put them back afterwards."""
    before = Surroundings.read()
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    try:
        yield
    finally:
        before.restore()
