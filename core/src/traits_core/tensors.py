"""Named tensors and JSON facts in one safetensors file: how scorers and checkpoints are kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traits_core.durable import replacing
from traits_core.errors import StoreError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any] | None = None
) -> None:
    """Durably write `tensors`, and `facts` (JSON values) in the header, to one safetensors file."""
    from safetensors.torch import save_file

    dense = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(dense, temporary, metadata={"facts": json.dumps(dict(facts or {}))})
        # safetensors makes files that only their owner may read; colleagues share these.
        temporary.chmod(0o666 & ~_umask())


def load_tensors(
    path: Path, device: torch.device | str = "cpu"
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_tensors` wrote: the tensors on `device`, and the facts.

    Raises StoreError when the file is missing, truncated or not safetensors.
    """
    with _opened(path, device) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
        return tensors, _facts(file)


def load_facts(path: Path) -> dict[str, Any]:
    """Read the facts alone; raises StoreError as `load_tensors` does."""
    with _opened(path, "cpu") as file:
        return _facts(file)


@contextmanager
def _opened(path: Path, device: torch.device | str) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            yield file
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path}: not a readable safetensors file: {error}") from error


def _facts(file: Any) -> dict[str, Any]:
    facts = json.loads((file.metadata() or {}).get("facts", "{}"))
    if type(facts) is not dict:
        raise ValueError(f"its facts are {facts!r}, not a JSON object")
    return facts


def _umask() -> int:
    """The permissions that this process withholds; they can be read only by setting them."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
