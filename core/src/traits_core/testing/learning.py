"""The small lesson that methods are taught by the checks: clustered rows, in epochs of four batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import methodcaller
from typing import Any, Final

import torch
from torch import Tensor

from traits_core.protocols import Method
from traits_core.testing.case import D_MODEL, SEED, Case

ROWS: Final = 164
BATCH: Final = 48
EPOCHS: Final = 2
CENTRES: Final = 5

Move = Callable[[Method], Any]
"""One thing that the training loop does to a method."""


def activations(rows: int = ROWS, seed: int = SEED, d_model: int = D_MODEL) -> Tensor:
    """Float32 rows [rows, d_model] around five centres, the same for the same arguments."""
    generator = torch.Generator().manual_seed(seed + 1)
    centres_cd = 3 * _normal(CENTRES, d_model, generator)
    chosen_n = torch.randint(CENTRES, (rows,), generator=generator)
    return centres_cd[chosen_n] + _normal(rows, d_model, generator)


def lesson(epoch: int, rows: int = ROWS, batch: int = BATCH) -> list[Tensor]:
    """The batches of one epoch: all rows in an order of its own, the last batch shorter."""
    order_n = torch.randperm(rows, generator=torch.Generator().manual_seed(epoch))
    return list(torch.split(activations(rows)[order_n], batch))


def started(case: Case, **arguments: Any) -> Method:
    """A method that is built and initialised."""
    method: Method = case.build(**arguments)
    method.initialize(activations()[: method.sample_rows])
    return method


def moves(method: Method) -> Iterator[Move]:
    """What is left of training, move by move, for a method that is initialised; two epochs at most."""
    for epoch in range(min(method.max_epochs, EPOCHS)):
        if method.done:
            return
        yield from (methodcaller("update", acts_bd) for acts_bd in lesson(epoch))
        yield methodcaller("end_epoch")


def taught(case: Case, **arguments: Any) -> Method:
    """A method that is trained."""
    method = started(case, **arguments)
    for move in moves(method):
        move(method)
    return method


def _normal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """Float32, whatever a plugin made the default dtype."""
    return torch.randn(rows, columns, generator=generator, dtype=torch.float32)
