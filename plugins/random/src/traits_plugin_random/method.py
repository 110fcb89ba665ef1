"""Prototypes that nothing is learned for."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from traits_core import Comm, DataError, StoreError, check_activations
from traits_plugin_random.config import RandomConfig
from traits_plugin_random.draws import (
    orthonormal_directions,
    random_rows,
    standardizing,
    unit_directions,
)
from traits_plugin_random.scorer import DotScorer

NESTED_ROWS = 8192  # up to here all sizes draw from the same sample, and so are nested


class RandomPrototypes:
    """Random directions or random training activations; done as soon as it is initialised."""

    def __init__(
        self, config: RandomConfig, *, d_model: int, seed: int, device: torch.device, comm: Comm
    ) -> None:
        self._config = config
        self._comm = comm
        self._seed = seed
        self._prototypes_kd = torch.zeros(
            config.n_prototypes, d_model, dtype=torch.float32, device=device
        )
        self._shift_d = (
            torch.zeros(d_model, dtype=torch.float32, device=device)
            if config.kind == "standardized"
            else None
        )

    @property
    def sample_rows(self) -> int:
        """How many rows are drawn from; directions need none, one is the least to ask."""
        return max(self._config.n_prototypes, NESTED_ROWS) if self._config.draws_rows else 1

    @property
    def max_epochs(self) -> int:
        """No pass over the rows is needed."""
        return 0

    @property
    def done(self) -> bool:
        """Always: there is nothing to learn."""
        return True

    @torch.no_grad()
    def initialize(self, sample_nd: Tensor) -> None:
        """Draw the prototypes; all processes take those of rank 0.

        Raises DataError when activations are wanted and the sample [N, D] has too few, or does not vary.
        """
        check_activations(sample_nd, self._prototypes_kd.shape[1])
        drawn_kd = self._drawn(sample_nd)
        if self._shift_d is not None:
            drawn_kd, mean_d = standardizing(drawn_kd, sample_nd)
            self._shift_d.copy_(mean_d)
        self._prototypes_kd.copy_(drawn_kd)
        for tensor in self._tensors().values():
            if self._comm.rank != 0:
                tensor.zero_()
            self._comm.all_sum(tensor)

    def update(self, acts_bd: Tensor) -> Mapping[str, float]:
        """Learn nothing from a batch [B, D]; it is refused all the same when it is no activations."""
        check_activations(acts_bd, self._prototypes_kd.shape[1])
        return {}

    def end_epoch(self) -> Mapping[str, float]:
        """Learn nothing from a pass."""
        return {}

    def scorer(self) -> DotScorer:
        """The scorer of the prototypes."""
        shift_d = None if self._shift_d is None else self._shift_d.clone()
        return DotScorer(self._prototypes_kd.clone(), shift_d)

    def state_dict(self) -> Mapping[str, Tensor]:
        """A copy of the prototypes, and of the mean when they are standardized."""
        return {name: tensor.clone() for name, tensor in self._tensors().items()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take the prototypes over; raises StoreError when they are of other options or width."""
        mine = {name: tuple(tensor.shape) for name, tensor in self._tensors().items()}
        theirs = {name: tuple(tensor.shape) for name, tensor in state.items()}
        if mine != theirs:
            raise StoreError(
                f"not a checkpoint of these random prototypes: it holds {theirs} instead of {mine}; "
                "use the options that it was written with, or start a new run"
            )
        for name, tensor in self._tensors().items():
            tensor.copy_(state[name])

    def _drawn(self, sample_nd: Tensor) -> Tensor:
        """Prototypes [K, D]: directions, or rows of the sample."""
        n, d_model = self._prototypes_kd.shape
        generator = torch.Generator().manual_seed(self._seed)  # a CPU's: the same for all devices
        if self._config.kind == "gaussian":
            return unit_directions(n, d_model, generator)
        if self._config.kind == "orthogonal":
            return orthonormal_directions(n, d_model, generator)
        if len(sample_nd) < n:
            raise DataError(
                f"cannot draw {n} prototypes from a sample of {len(sample_nd)} activations: "
                f"set n_prototypes to {len(sample_nd)} or less, or give it more rows"
            )
        return random_rows(sample_nd, n, generator)

    def _tensors(self) -> dict[str, Tensor]:
        """The live tensors of the state by name."""
        tensors = {"prototypes_kd": self._prototypes_kd}
        return tensors if self._shift_d is None else tensors | {"shift_d": self._shift_d}
