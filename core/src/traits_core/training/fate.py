"""Learners that are trained together, and their fates: one that fails is dropped, in all processes alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import attrs
import torch

from traits_core.errors import (
    ConfigError,
    DataError,
    DiskFullError,
    PluginError,
    StoreError,
    TraitsError,
)
from traits_core.protocols import Comm

if TYPE_CHECKING:
    from torch import Tensor

OWN: Final = (ConfigError, DataError, PluginError, StoreError)
"""Errors of one learner; a full disk, or a process that is lost, concerns all of them."""


class LearnerError(TraitsError):
    """A learner cannot go on, in this process or in another one; the text is that of its error."""


@attrs.frozen(eq=False)
class FateComm:
    """The `Comm` of one of several learners, which may fail without the others.

    Before each exchange the processes ask each other whether the learner has failed in one of them,
    which would not come to the exchange: the others would wait for it.
    """

    comm: Comm

    @property
    def world_size(self) -> int:
        """Number of processes."""
        return self.comm.world_size

    @property
    def rank(self) -> int:
        """Which of them this is."""
        return self.comm.rank

    def all_sum(self, *tensors: Tensor) -> None:
        """Replace each tensor, in place, by its sum over all processes."""
        _exchange(self.comm, "")
        self.comm.all_sum(*tensors)

    def any_flag(self, flag: bool) -> bool:
        """True in every process when `flag` is true in any."""
        _exchange(self.comm, "")
        return self.comm.any_flag(flag)

    def barrier(self) -> None:
        """Return when all processes have come here."""
        _exchange(self.comm, "")
        self.comm.barrier()


@contextmanager
def shared_fate(comm: Comm) -> Iterator[None]:
    """Make an error of the learner with a `FateComm`, in any process, LearnerError in all of them.

    All processes enter the block for the same learner. An error of one with another `Comm`, which is
    trained alone, is left as it is.
    """
    if not isinstance(comm, FateComm):
        yield
        return
    try:
        yield
    except DiskFullError:
        raise
    except OWN as error:
        _exchange(comm.comm, str(error) or type(error).__name__, error)
    else:
        _exchange(comm.comm, "")


def _exchange(comm: Comm, reason: str, cause: TraitsError | None = None) -> None:
    """Tell all processes the reason why this one cannot go on, if any; raise the first one's."""
    text = reason.encode()
    lengths = torch.zeros(comm.world_size, dtype=torch.int64)
    lengths[comm.rank] = len(text)
    comm.all_sum(lengths)
    failed = lengths.nonzero()
    if not len(failed):
        return
    first = int(failed[0])
    letters = torch.zeros(int(lengths[first]), dtype=torch.int64)
    if comm.rank == first:
        letters += torch.tensor(list(text))
    comm.all_sum(letters)
    raise LearnerError(bytes(letters.tolist()).decode()) from cause
