"""What every stage needs besides its inputs: where things are kept, what is installed, who is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from traits_core.errors import ConfigError
from traits_core.progress import Progress
from traits_core.protocols import Comm
from traits_core.registry.plugins import Registry
from traits_core.tracking.trackers import Trackers
from traits_core.training.comm import NullComm

if TYPE_CHECKING:
    import torch


@attrs.frozen(kw_only=True)
class Context:
    """The surroundings of a stage; none of it changes a result.

    Parameters
    ----------
    home: holds `activations/` and `runs/`
    registry: the installed plugins
    device: where tensors are computed
    progress: who is told what is being done
    new_trackers: makes those who are told the metrics of one run
    comm: the processes that train together; rank 0 does everything else alone
    """

    home: Path
    registry: Registry
    device: torch.device
    progress: Progress
    new_trackers: Callable[[], Trackers] = Trackers
    comm: Comm = attrs.field(factory=NullComm)


def make_directory(path: Path) -> None:
    """Make a directory below the home; raises ConfigError when that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"cannot make {path}: {reason}; choose another --home") from error


def pick_device(name: str) -> torch.device:
    """`auto` is CUDA where there is one; raises ConfigError for a device that is not here."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:  # which lists all that torch was ever built for
        raise _no_device(name, "no such device") from error
    try:
        torch.ones(1, device=device).item()  # `meta` has no values
    except (RuntimeError, AssertionError) as error:
        raise _no_device(name, str(error).splitlines()[0]) from error
    return device


def _no_device(name: str, reason: str) -> ConfigError:
    import torch

    numbers = range(torch.cuda.device_count())
    cuda = ["cuda", *(f"cuda:{number}" for number in numbers)] if numbers else []
    return ConfigError(
        f"--device {name}: {reason}; here it is one of {', '.join(['auto', 'cpu', *cuda])}"
    )
