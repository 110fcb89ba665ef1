"""How processes that train together add up: one process, where every sum is already the sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from traits_core.protocols import Comm

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


class NullComm:
    """The `Comm` of a job with one process."""

    world_size = 1
    rank = 0

    def all_sum(self, *tensors: Tensor) -> None:
        """Leave the tensors as they are."""

    def any_flag(self, flag: bool) -> bool:
        """Return `flag`."""
        return flag

    def barrier(self) -> None:
        """Return at once."""


def first_rank_first(comm: Comm, work: Callable[[], T]) -> T:
    """Return what `work()` returns, called by rank 0, and by the others when it has made things."""
    if comm.rank == 0:
        made = work()
        comm.barrier()
        return made
    comm.barrier()
    return work()
