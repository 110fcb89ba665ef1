"""The method `sae` with a checkpoint: somebody's sparse autoencoder as it is, instead of training one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from traits_core import Comm, ConfigError, Method, StoreError, check_activations
from traits_plugin_sae.config import SaeConfig
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.formats import read_checkpoint
from traits_plugin_sae.method import Sae
from traits_plugin_sae.scorer import FILE, SaeScorer


def make_method(
    config: SaeConfig, *, d_model: int, seed: int, device: torch.device, comm: Comm
) -> Method:
    """The learner that the options ask for, or the checkpoint that they name."""
    if config.checkpoint is None:
        return Sae(config, d_model=d_model, seed=seed, device=device, comm=comm)
    return Pretrained(config.checkpoint, d_model, device)


class Pretrained:
    """A dictionary from a file; there is nothing to learn."""

    def __init__(self, path: Path, d_model: int, device: torch.device) -> None:
        dictionary = load_dictionary(path)
        if dictionary.d_model != d_model:
            raise ConfigError(
                f"{path}: an autoencoder of {dictionary.d_model} dimensions; these activations have "
                f"{d_model}: use the layer that it was trained on"
            )
        self._path = path
        self._digest = _digest(dictionary)
        self._scorer = SaeScorer(dictionary.to(torch.device(device)))

    @property
    def sample_rows(self) -> int:
        """One: it is not looked at."""
        return 1

    @property
    def max_epochs(self) -> int:
        """No pass over the rows is needed."""
        return 0

    @property
    def done(self) -> bool:
        """Always."""
        return True

    def initialize(self, sample_nd: Tensor) -> None:
        """Refuse a sample [N, D] that is no activations."""
        check_activations(sample_nd, self._scorer.dictionary.d_model)

    def update(self, acts_bd: Tensor) -> Mapping[str, float]:
        """Learn nothing from a batch [B, D]."""
        check_activations(acts_bd, self._scorer.dictionary.d_model)
        return {}

    def end_epoch(self) -> Mapping[str, float]:
        """Learn nothing from a pass."""
        return {}

    def scorer(self) -> SaeScorer:
        """The scorer of the checkpoint."""
        return self._scorer

    def state_dict(self) -> Mapping[str, Tensor]:
        """A digest of the dictionary."""
        return {"digest": self._digest}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Raise StoreError when the checkpoint has changed since the run began."""
        digest = state.get("digest")
        if digest is None or not torch.equal(digest, self._digest):
            raise StoreError(f"{self._path}: changed since this run began: start a new one")


def load_dictionary(path: Path) -> Dictionary:
    """The dictionary of a checkpoint in any format, or of a scorer that `traits sae import` wrote.

    Raises StoreError when there is none, or NaN is in it.
    """
    if not (path / FILE).is_file():
        return read_checkpoint(path).dictionary
    dictionary = Dictionary.load(path / FILE)
    if bad := [name for name, tensor in dictionary.tensors().items() if tensor.isnan().any()]:
        raise StoreError(f"{path / FILE}: NaN in {', '.join(bad)}")
    return dictionary


def _digest(dictionary: Dictionary) -> Tensor:
    """SHA-256 of all its values, uint8 [32]."""
    sha = hashlib.sha256(repr(sorted(dictionary.facts().items())).encode())
    for _, tensor in sorted(dictionary.tensors().items()):
        sha.update(tensor.cpu().contiguous().numpy().tobytes())
    return torch.frombuffer(bytearray(sha.digest()), dtype=torch.uint8)
