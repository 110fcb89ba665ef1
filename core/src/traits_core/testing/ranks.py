"""Processes that train together, as threads of one: what a method does with its `Comm` needs no cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from traits_core.protocols import Comm
from traits_core.testing.expect import ContractError

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

TIMEOUT: Final = 30.0
"""Seconds after which threads that do not meet are broken up: one of them hangs."""


class ThreadComm:
    """The `Comm` of one of several threads."""

    def __init__(
        self, rank: int, posts: list[tuple[Tensor, ...]], meeting: threading.Barrier
    ) -> None:
        self.rank, self.world_size = rank, len(posts)
        self._posts, self._meeting = posts, meeting

    def all_sum(self, *tensors: Tensor) -> None:
        """Replace each tensor, in place, by its sum over all threads, in the order of ranks.

        Raises ContractError when another thread sums tensors of other shapes, or has ended.
        """
        self._posts[self.rank] = tuple(tensor.clone() for tensor in tensors)
        self._meeting.wait(TIMEOUT)
        shapes = [[tuple(tensor.shape) for tensor in post] for post in self._posts]
        if shapes.count(shapes[0]) < self.world_size:
            raise ContractError(
                f"ranks 0 to {self.world_size - 1} sum tensors of shapes {shapes} at a time: all of "
                "them must sum alike, and equally often, when they have no rows too"
            )
        for i, tensor in enumerate(tensors):
            total = self._posts[0][i].clone()
            for post in self._posts[1:]:
                total += post[i]
            tensor.copy_(total)
        self._meeting.wait(TIMEOUT)

    def any_flag(self, flag: bool) -> bool:
        """True in every thread when `flag` is true in any."""
        import torch

        flags = torch.tensor(int(flag))
        self.all_sum(flags)
        return bool(flags)

    def barrier(self) -> None:
        """Return when all threads have come here."""
        self.all_sum()


def run_ranks(n: int, work: Callable[[Comm], T]) -> list[T]:
    """Run `work(comm)` in `n` threads that add up their sums; returns the results by rank.

    Raises what the first thread that failed has raised: ContractError when they do not sum alike.
    """
    posts: list[tuple[Tensor, ...]] = [()] * n
    meeting = threading.Barrier(n)
    results: dict[int, T] = {}
    errors: list[BaseException] = []

    def target(rank: int) -> None:
        try:
            comm = ThreadComm(rank, posts, meeting)
            results[rank] = work(comm)
            comm.barrier()
        except BaseException as error:
            errors.append(error)
            meeting.abort()

    threads = [threading.Thread(target=target, args=(rank,)) for rank in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[rank] for rank in range(n)]
