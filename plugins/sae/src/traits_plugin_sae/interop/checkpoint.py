"""What a checkpoint of another program comes to, and what every format of them can do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import attrs
import torch
from torch import Tensor

from traits_core import StoreError, save_tensors
from traits_plugin_sae.activations import TopK
from traits_plugin_sae.dictionary import Dictionary

MAX_JSON_BYTES: Final = 2**24

Facts = Mapping[str, Any]
"""JSON values."""


@attrs.frozen(eq=False)
class Checkpoint:
    """A sparse autoencoder that another program wrote.

    Parameters
    ----------
    dictionary: computes what that program computes
    source: what the files say beside the weights, as it stands there
    notes: what a user should know of it, a sentence each
    """

    dictionary: Dictionary
    source: Facts
    notes: tuple[str, ...] = ()


class CheckpointFormat(Protocol):
    """How one program keeps its sparse autoencoders; each is a module."""

    @property
    def PLACES(self) -> tuple[str, ...]:  # noqa: N802  # a constant of the module
        """Where its weights are in a directory: one of these is there."""

    def recognizes(self, path: Path) -> bool:
        """Whether `path` looks like this format, by the names of files or their first bytes."""

    def read(self, path: Path) -> Checkpoint:
        """Read what it recognizes: a directory or its weights; nothing that it says is executed.

        Raises StoreError, or any error of malformed values: `formats.read` makes one line of them.
        """

    def write(self, directory: Path, dictionary: Dictionary, facts: Facts) -> tuple[str, ...]:
        """Write `dictionary` into the empty `directory`; return notes for the user.

        `facts` say where it comes from, and are kept where the format has a place for them. Raises
        ConfigError when the format has no such autoencoders.
        """


@attrs.frozen(eq=False)
class Weights:
    """Named tensors of a file, taken out as finite float32."""

    path: Path
    tensors: Mapping[str, Tensor]

    def __contains__(self, name: str) -> bool:
        """Whether there is a tensor of that name."""
        return name in self.tensors

    def take(self, *names: str) -> Tensor:
        """The tensor that has the first of these names; raises StoreError when there is none, or NaN in it."""
        name = next((name for name in names if name in self.tensors), None)
        if name is None:
            there = ", ".join(sorted(self.tensors)) or "nothing"
            raise StoreError(f"{self.path}: no {' or '.join(names)} among its tensors: {there}")
        tensor = self.tensors[name]
        if tensor.is_complex():
            raise StoreError(f"{self.path}: {name} holds complex numbers")
        # A copy: safetensors maps the file, and what is written to it later would be seen here.
        values = tensor.to(torch.float32, copy=True).contiguous()
        if not values.isfinite().all():
            raise StoreError(f"{self.path}: {name} holds NaN or infinity")
        return values

    def transposed(self, name: str) -> Tensor:
        """The transpose of a matrix; raises StoreError when it is none."""
        matrix = self.take(name)
        if matrix.ndim != 2:
            raise StoreError(f"{self.path}: {name} must be a matrix, not {list(matrix.shape)}")
        return matrix.T.contiguous()

    def number(self, name: str) -> float:
        """A tensor of one value, an int when it is whole; raises StoreError when it has more or none."""
        tensor = self.take(name)
        if tensor.numel() != 1:
            raise StoreError(f"{self.path}: {name} must be one value, not {list(tensor.shape)}")
        value = float(tensor)
        return int(value) if value.is_integer() else value


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of at most 16 MiB; raises StoreError when it holds anything else."""
    try:
        if not path.is_file():  # what is there may be a pipe, which nobody writes to
            raise StoreError(f"{path}: no such file, and it says what the weights are")
        with path.open("rb") as file:
            text = file.read(MAX_JSON_BYTES + 1)
        if len(text) > MAX_JSON_BYTES:
            raise StoreError(f"{path}: larger than {MAX_JSON_BYTES} bytes")
        facts = json.loads(text)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: no readable JSON: {error}") from error
    if not isinstance(facts, dict):
        raise StoreError(f"{path}: must hold a JSON object")
    return facts


def table(facts: Facts, name: str) -> Facts:
    """The JSON object `name` of `facts`, empty when there is none; raises TypeError when it is none."""
    value = facts.get(name)
    if not isinstance(value, dict | None):
        raise TypeError(f"{name} must be a JSON object, not {value!r}")
    return value or {}


def write_json(path: Path, facts: Facts) -> None:
    """Write a JSON object."""
    path.write_text(json.dumps(dict(facts), indent=2) + "\n", encoding="utf-8")


def save_weights(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors, which may be views of each other, to a safetensors file."""
    save_tensors(path, {name: tensor.clone() for name, tensor in tensors.items()})


def natural(value: Any, what: str) -> int:
    """`value`, which must be a whole number from 1 on; raises ValueError when it is not."""
    if type(value) is not int or value < 1:
        raise ValueError(f"{what} must be a whole number from 1, not {value!r}")
    return value


def rectified(activation: TopK, program: str) -> tuple[str, ...]:
    """A note when `program` has no negative latents, and `activation` has."""
    if not activation.signed:
        return ()
    k = activation.k
    return (f"{program} drops negative latents: rows with fewer than {k} positive ones differ",)
