"""The PCA learner: sums over a stream of batches, and the components that follow from them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from traits_core import Comm, ConfigError, DataError, centred, check_activations, check_state
from traits_plugin_pca.config import PCAConfig
from traits_plugin_pca.moments import Moments
from traits_plugin_pca.scorer import PCAScorer
from traits_plugin_pca.sketch import Sketch
from traits_plugin_pca.spectrum import Spectrum

SAMPLE_ROWS = 4096  # their mean is the shift, and they warm the randomized basis up
WARM_UPS = 3
PART_ROWS = 8192  # rows of one float32 product


class PCA:
    """Principal component analysis of a stream, by the covariance or, when it is wide, by a sketch.

    Rows are centred by the mean of the sample, which stays fixed: so all sums are additive, over
    batches, processes and restarts. A scorer may be asked for at any time; until the first batch it
    is that of the sample. The seed does not matter.
    """

    def __init__(
        self, config: PCAConfig, *, d_model: int, seed: int, device: torch.device, comm: Comm
    ) -> None:
        self._config = config
        self._comm = comm
        self._sums = _no_rows(config, d_model, torch.device(device))
        self._shift_d = torch.zeros(d_model, dtype=torch.float32, device=device)
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._last_explained = torch.zeros((), dtype=torch.float64)
        self._converged = torch.zeros((), dtype=torch.bool)
        # Whether the sums are of the sample or of a finished pass: the next batch starts them anew.
        self._finished = torch.zeros((), dtype=torch.bool)
        self._spectrum: Spectrum | None = None

    @property
    def sample_rows(self) -> int:
        """How many rows the shift is the mean of; randomized, at least twice the directions."""
        if isinstance(self._sums, Moments):
            return SAMPLE_ROWS
        return max(SAMPLE_ROWS, 2 * self._sums.basis_dl.shape[1])

    @property
    def max_epochs(self) -> int:
        """One pass, or several when randomized."""
        return 1 if isinstance(self._sums, Moments) else self._config.max_epochs

    @property
    def done(self) -> bool:
        """True after `max_epochs`, or when a randomized pass no longer improved."""
        return bool(self._converged) or int(self._epoch) >= self.max_epochs

    @torch.no_grad()
    def initialize(self, sample_nd: Tensor) -> None:
        """Fix the shift, and begin with the sums of the rows [N, D]; all processes take rank 0's.

        Raises DataError when there are no rows.
        """
        check_activations(sample_nd, len(self._shift_d))
        if not len(sample_nd):
            raise DataError("PCA wants at least one row to start from: the sample is empty")
        self._shift_d.copy_(sample_nd.mean(dim=0, dtype=torch.float64))
        self._add(sample_nd)
        for _ in range(0 if isinstance(self._sums, Moments) else WARM_UPS):
            self._sums.restart()
            self._add(sample_nd)
        shared = [self._shift_d, *self._sums.tensors().values()]
        for tensor in shared if self._comm.rank else ():
            tensor.zero_()
        self._comm.all_sum(*shared)
        self._finished.fill_(True)

    @torch.no_grad()
    def update(self, acts_bd: Tensor) -> Mapping[str, float]:
        """Add a batch [B, D] to the sums; returns the total variance of the pass so far."""
        check_activations(acts_bd, len(self._shift_d))
        self._begin()
        self._add(acts_bd)
        return {"total_variance": self._sums.total_variance()}

    @torch.no_grad()
    def end_epoch(self) -> Mapping[str, float]:
        """Add the sums of all processes up, and solve for the components.

        Returns `explained` (fraction of the variance), `n_components`, `noise_variance` (mean along
        the directions left out), `total_variance`, and `explained_1`, `explained_2`, `explained_4`
        ... by that many components. Raises DataError when there are no two rows that differ.
        """
        self._begin()
        self._comm.all_sum(*self._sums.additive())
        self._finished.fill_(True)
        self._epoch += 1
        spectrum = self._solved()
        n = len(spectrum.components_kd)
        explained_j = spectrum.explained_j.tolist()
        explained = explained_j[n - 1]
        self._converged.fill_(
            explained - float(self._last_explained) < self._config.tol * explained
        )
        self._last_explained.fill_(explained)
        powers = (1 << i for i in range(n.bit_length()))
        return {
            "explained": explained,
            "n_components": float(n),
            "noise_variance": spectrum.noise_variance,
            "total_variance": spectrum.total_variance,
            **{f"explained_{power}": explained_j[power - 1] for power in powers},
        }

    @torch.no_grad()
    def scorer(self) -> PCAScorer:
        """The scorer of the rows seen so far; raises DataError when these do not vary."""
        mean_d = (self._shift_d + self._sums.mean_d()).float()
        return PCAScorer(
            spectrum=self._solved(),
            mean_d=mean_d,
            epsilon=self._config.epsilon if self._config.whiten else None,
            split=self._config.signs == "split",
            residual=self._config.residual,
        )

    def state_dict(self) -> Mapping[str, Tensor]:
        """Copies of all that changes."""
        return {name: tensor.clone() for name, tensor in self._tensors().items()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`; raises StoreError when it is not of these options and this width."""
        check_state(self._tensors(), state, f"this PCA of {len(self._shift_d)} dimensions")
        for name, tensor in self._tensors().items():
            tensor.copy_(state[name])
        self._spectrum = None

    def _begin(self) -> None:
        """Start a pass, unless one is under way."""
        if self._finished:
            self._sums.restart()
            self._finished.fill_(False)

    def _add(self, acts_bd: Tensor) -> None:
        self._spectrum = None
        for part_bd in torch.split(acts_bd, PART_ROWS):
            self._sums.add(centred(part_bd, self._shift_d))

    def _solved(self) -> Spectrum:
        """The components of the present sums, which are solved for once."""
        if self._spectrum is None:
            self._spectrum = self._sums.spectrum().truncated(
                self._config.n_components, self._config.explained
            )
        return self._spectrum

    def _tensors(self) -> dict[str, Tensor]:
        """The live tensors of the state by name."""
        return {
            **self._sums.tensors(),
            "shift_d": self._shift_d,
            "epoch": self._epoch,
            "last_explained": self._last_explained,
            "converged": self._converged,
            "finished": self._finished,
        }


def _no_rows(config: PCAConfig, d_model: int, device: torch.device) -> Moments | Sketch:
    """The sums that suit the width; raises ConfigError when they cannot be made as asked."""
    n = config.n_components
    if n is not None and n > d_model:
        raise ConfigError(
            f"PCA has no {n} components of activations with {d_model} dimensions: "
            f"set n_components to {d_model} or less, or leave it out to keep all"
        )
    if d_model <= config.exact_up_to:
        return Moments.zeros(d_model, device)
    if n is None:
        raise ConfigError(
            f"randomized PCA of {d_model} dimensions needs n_components: set it, or set exact_up_to "
            f"to {d_model} to solve exactly with about {40 * d_model**2 / 2**30:.0f} GiB of memory"
        )
    return Sketch.start(d_model, n, device)
