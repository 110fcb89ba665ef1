"""Prototypes that nothing is learned for."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from traits_core import Comm, DataError, StoreError
from traits_plugin_random.activations import check_activations
from traits_plugin_random.config import RandomConfig
from traits_plugin_random.draws import random_rows, unit_directions
from traits_plugin_random.scorer import DotScorer

NESTED_ROWS = 8192  # up to here all sizes draw from the same sample, and so are nested


class RandomPrototypes:
    """Gaussian directions or random training activations; done as soon as it is initialised."""

    def __init__(
        self, config: RandomConfig, *, d_model: int, seed: int, device: torch.device, comm: Comm
    ) -> None:
        self._config = config
        self._comm = comm
        self._seed = seed
        self._prototypes_kd = torch.zeros(
            config.n_prototypes, d_model, dtype=torch.float32, device=device
        )

    @property
    def sample_rows(self) -> int:
        """How many rows are drawn from; Gaussian directions need none, one is the least to ask."""
        if self._config.kind == "gaussian":
            return 1
        return max(self._config.n_prototypes, NESTED_ROWS)

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

        Raises DataError when activations are wanted and the sample [N, D] has too few.
        """
        n, d_model = self._prototypes_kd.shape
        check_activations(sample_nd, d_model)
        generator = torch.Generator().manual_seed(self._seed)  # a CPU's: the same for all devices
        if self._config.kind == "gaussian":
            drawn_kd = unit_directions(n, d_model, generator)
        elif len(sample_nd) >= n:
            drawn_kd = random_rows(sample_nd, n, generator)
        else:
            raise DataError(
                f"cannot draw {n} prototypes from a sample of {len(sample_nd)} activations: "
                f"set n_prototypes to {len(sample_nd)} or less, or give it more rows"
            )
        self._prototypes_kd.copy_(drawn_kd)
        if self._comm.rank != 0:
            self._prototypes_kd.zero_()
        self._comm.all_sum(self._prototypes_kd)

    def update(self, acts_bd: Tensor) -> Mapping[str, float]:
        """Learn nothing from a batch [B, D]; it is refused all the same when it is no activations."""
        check_activations(acts_bd, self._prototypes_kd.shape[1])
        return {}

    def end_epoch(self) -> Mapping[str, float]:
        """Learn nothing from a pass."""
        return {}

    def scorer(self) -> DotScorer:
        """The scorer of the prototypes."""
        return DotScorer(self._prototypes_kd.clone())

    def state_dict(self) -> Mapping[str, Tensor]:
        """A copy of the prototypes."""
        return {"prototypes_kd": self._prototypes_kd.clone()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take the prototypes over; raises StoreError when they are of other options or width."""
        mine = {"prototypes_kd": tuple(self._prototypes_kd.shape)}
        theirs = {name: tuple(tensor.shape) for name, tensor in state.items()}
        if mine != theirs:
            raise StoreError(
                f"not a checkpoint of these random prototypes: it holds {theirs} instead of {mine}; "
                "use the options that it was written with, or start a new run"
            )
        self._prototypes_kd.copy_(state["prototypes_kd"])
