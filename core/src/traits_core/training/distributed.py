"""Several processes that train together: torch.distributed, started by torchrun."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import torch
import torch.distributed as dist
from torch import Tensor

from traits_core.errors import ConfigError, StageError
from traits_core.protocols import Comm
from traits_core.training.comm import NullComm

VARIABLES: Final = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun tells its processes."""

SUM_TIMEOUT: Final = timedelta(minutes=10)
WAIT_TIMEOUT: Final = timedelta(
    days=7
)  # while rank 0 extracts, say; a lost process ends it at once


class DistributedComm:
    """The `Comm` of one of several processes: NCCL for tensors on CUDA, gloo for the others.

    A process that stops takes the others with it: their next call raises StageError.
    """

    def __init__(self) -> None:
        self.world_size = dist.get_world_size()
        self.rank = dist.get_rank()
        self._patient = dist.new_group(backend="gloo", timeout=WAIT_TIMEOUT)

    def all_sum(self, *tensors: Tensor) -> None:
        """Replace each tensor, in place, by its sum over all processes."""
        for tensor in tensors:
            total = tensor.contiguous()
            _all_reduce(total)
            if total is not tensor:
                tensor.copy_(total)

    def any_flag(self, flag: bool) -> bool:
        """True in every process when `flag` is true in any."""
        flags = torch.tensor(int(flag))
        _all_reduce(flags, self._patient)
        return bool(flags)

    def barrier(self) -> None:
        """Return when all processes have come here."""
        self.any_flag(False)


def is_first() -> bool:
    """True in the first process of a job, which speaks for all, and when there is but one."""
    return os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"


@contextmanager
def connected(device: torch.device) -> Iterator[tuple[Comm, torch.device]]:
    """The `Comm` of this process and the device it computes on, a GPU of its own where there are.

    Without torchrun's variables in the environment, or with one process, that is `NullComm`.

    Raises ConfigError when some of the variables are missing, or there are too few GPUs.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":
        yield NullComm(), device
        return
    if missing := [name for name in VARIABLES if name not in os.environ]:
        raise ConfigError(
            f"WORLD_SIZE is set, but not {', '.join(missing)}: start several processes with "
            "torchrun, or unset WORLD_SIZE"
        )
    if device == torch.device("cuda"):
        device = _own_gpu(int(os.environ["LOCAL_RANK"]))
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=SUM_TIMEOUT)
    try:
        yield DistributedComm(), device
    finally:
        dist.destroy_process_group()


def _own_gpu(local_rank: int) -> torch.device:
    n_gpus = torch.cuda.device_count()
    if local_rank >= n_gpus:
        raise ConfigError(
            f"process {local_rank} of this machine has no GPU of its own, there are {n_gpus}: "
            f"start {n_gpus} processes here, or use --device cpu"
        )
    device = torch.device("cuda", local_rank)
    torch.cuda.set_device(device)
    return device


def _all_reduce(tensor: Tensor, group: dist.ProcessGroup | None = None) -> None:
    try:
        dist.all_reduce(tensor, group=group)
    except RuntimeError as error:
        raise StageError(
            "another process of this job has stopped, or cannot be reached; "
            f"what it printed last says why ({str(error).splitlines()[0]})"
        ) from error
