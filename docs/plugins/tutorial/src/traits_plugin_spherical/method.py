"""Spherical k-means: the mean direction of the activations that point the same way."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import normalize

from traits_core import Comm, DataError, check_activations, check_state
from traits_plugin_spherical.config import SphericalConfig
from traits_plugin_spherical.scorer import CosineScorer, unit_rows


class SphericalKMeans:
    """Each pass gives every row to the prototype with the largest cosine, then averages.

    Dhillon and Modha, Concept decompositions for large sparse text data using clustering,
    Machine Learning 42 (2001).
    """

    def __init__(
        self, config: SphericalConfig, *, d_model: int, seed: int, device: torch.device, comm: Comm
    ) -> None:
        self._config = config
        self._comm = comm
        self._generator = torch.Generator().manual_seed(seed)
        shape = (config.n_prototypes, d_model)
        self._state = {
            "mean_d": torch.zeros(d_model, dtype=torch.float32, device=device),
            "directions_kd": torch.zeros(shape, dtype=torch.float32, device=device),
            "sums_kd": torch.zeros(shape, dtype=torch.float64, device=device),
            "rows_and_cosines": torch.zeros(2, dtype=torch.float64, device=device),
            "epoch": torch.zeros((), dtype=torch.int64),
            "last_cosine": torch.full((), -torch.inf, dtype=torch.float64),
            "converged": torch.zeros((), dtype=torch.bool),
        }

    @property
    def sample_rows(self) -> int:
        """The first directions are drawn from so many rows."""
        return 8 * self._config.n_prototypes

    @property
    def max_epochs(self) -> int:
        """How many passes there are at most."""
        return self._config.max_epochs

    @property
    def done(self) -> bool:
        """True after the last pass, and when passes stopped improving."""
        return bool(self._state["converged"]) or int(self._state["epoch"]) >= self.max_epochs

    def initialize(self, sample_nd: Tensor) -> None:
        """Start from random rows, seen from the mean; all processes take those of rank 0."""
        mean_d, directions_kd = self._state["mean_d"], self._state["directions_kd"]
        check_activations(sample_nd, len(mean_d))
        n_rows, n_prototypes = len(sample_nd), len(directions_kd)
        if n_rows < n_prototypes:
            raise DataError(
                f"cannot draw {n_prototypes} prototypes from {n_rows} rows: "
                f"set n_prototypes to {n_rows} or less"
            )
        chosen_k = torch.randperm(n_rows, generator=self._generator)[:n_prototypes]
        mean_d.copy_(sample_nd.mean(dim=0))
        directions_kd.copy_(unit_rows(sample_nd[chosen_k.to(sample_nd.device)], mean_d))
        if self._comm.rank != 0:
            mean_d.zero_()
            directions_kd.zero_()
        self._comm.all_sum(mean_d, directions_kd)

    def update(self, acts_bd: Tensor) -> Mapping[str, float]:
        """Add each row, if there is any, to the sum of its prototype; the prototypes do not move yet."""
        directions_kd = self._state["directions_kd"]
        unit_bd = unit_rows(acts_bd, self._state["mean_d"])
        cosines_b, nearest_b = (unit_bd @ directions_kd.T).max(dim=1)
        self._state["sums_kd"].index_add_(0, nearest_b, unit_bd.double())
        self._state["rows_and_cosines"] += cosines_b.new_tensor([len(cosines_b), cosines_b.sum()])
        return {"batch_cosine": float(cosines_b.sum()) / max(len(cosines_b), 1)}

    def end_epoch(self) -> Mapping[str, float]:
        """Turn each prototype to the mean of its rows; one without rows stays where it is."""
        state = self._state
        self._comm.all_sum(state["sums_kd"], state["rows_and_cosines"])
        n_rows, cosines = state["rows_and_cosines"].tolist()
        used_k = state["sums_kd"].norm(dim=1) > 0
        state["directions_kd"][used_k] = normalize(state["sums_kd"][used_k], dim=1).float()
        cosine = cosines / n_rows
        state["converged"].fill_(cosine - float(state["last_cosine"]) < self._config.tol)
        state["last_cosine"].fill_(cosine)
        state["epoch"] += 1
        state["sums_kd"].zero_()
        state["rows_and_cosines"].zero_()
        return {"cosine": cosine, "unused": float((~used_k).sum())}

    def scorer(self) -> CosineScorer:
        """The scorer of the present directions."""
        return CosineScorer(self._state["mean_d"].clone(), self._state["directions_kd"].clone())

    def state_dict(self) -> Mapping[str, Tensor]:
        """A copy of all that changes."""
        return {name: tensor.clone() for name, tensor in self._state.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`; raises StoreError when it is not of these options and this width."""
        check_state(self._state, state, "spherical k-means with these options and this width")
        for name, tensor in self._state.items():
            tensor.copy_(state[name])
