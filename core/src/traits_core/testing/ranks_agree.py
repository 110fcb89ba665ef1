"""What a method must keep when several processes train it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from torch import Tensor

from traits_core.protocols import Comm
from traits_core.testing.case import Case, Check
from traits_core.testing.expect import expect, expect_close
from traits_core.testing.learning import EPOCHS, activations, lesson, started, taught
from traits_core.testing.ranks import run_ranks


def check_ranks_without_rows_take_part(case: Case) -> None:
    """Two ranks, of which one has no rows of every other batch, end in the scores of one alone."""
    alone_bk = taught(case).scorer()(activations())
    for rank, scores_bk in enumerate(run_ranks(2, lambda comm: _scores(case, comm))):
        what = f"scores after training in rank {rank} of 2, with no rows at times, and alone"
        expect_close(scores_bk, alone_bk, what, tolerance=1e-3)


def _scores(case: Case, comm: Comm) -> Tensor:
    """The scores that a rank ends with."""
    method = started(case, comm=comm)
    for epoch in range(min(method.max_epochs, EPOCHS)):
        if method.done:
            break
        for batch, acts_bd in enumerate(lesson(epoch)):
            _expect_numbers(method.update(_part(acts_bd, batch, comm)))
        _expect_numbers(method.end_epoch())
    return method.scorer()(activations())


def _part(acts_bd: Tensor, batch: int, comm: Comm) -> Tensor:
    """The rows of a batch that are for a rank: all or none, and its share, in turn."""
    if batch % 2:
        return acts_bd[comm.rank :: comm.world_size]
    return acts_bd if comm.rank else acts_bd[:0]


def _expect_numbers(metrics: Mapping[str, float | Tensor]) -> None:
    for name, value in metrics.items():
        number = isinstance(value, Tensor) or math.isfinite(value)
        expect(number, f"metric {name!r} of a rank that may have no rows is {value}")


CHECKS: Final[tuple[Check, ...]] = (check_ranks_without_rows_take_part,)
