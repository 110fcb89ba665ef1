"""The learner of sparse autoencoders: start, passes, schedule, and the scorer of what was learned."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from traits_core import Comm, DataError, check_activations, check_state
from traits_plugin_sae.architectures.build import build_architecture
from traits_plugin_sae.config import SaeConfig
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.optimization import Optimization
from traits_plugin_sae.schedule import Schedule
from traits_plugin_sae.scorer import SaeScorer
from traits_plugin_sae.size import Size
from traits_plugin_sae.start import centre, directions, spread
from traits_plugin_sae.totals import EpochTotals
from traits_plugin_sae.weights import Weights


class Sae:
    """A sparse autoencoder, trained by Adam on activations that are centred and of unit scale.

    Batches are split into steps of at most `step_rows` rows, over all processes. In each of these the
    gradients are sums over processes, so all of them must call `update` equally often.
    """

    def __init__(
        self, config: SaeConfig, *, d_model: int, seed: int, device: torch.device, comm: Comm
    ) -> None:
        device = torch.device(device)
        self._config = config
        self._comm = comm
        # On the CPU for all devices, so that they start alike.
        self._generator = torch.Generator().manual_seed(seed)
        size = Size.of(config, d_model)
        n_latents = size.n_latents
        self._architecture = build_architecture(config, size, device, comm)
        bias_s = torch.zeros(n_latents, dtype=torch.float32, device=device)
        self._weights = Weights(
            encoder_sd=torch.zeros(n_latents, d_model, dtype=torch.float32, device=device),
            encoder_bias_s=bias_s,
            decoder_sd=torch.zeros(n_latents, d_model, dtype=torch.float32, device=device),
            decoder_bias_d=torch.zeros(d_model, dtype=torch.float32, device=device),
            own=self._architecture.own(bias_s),
        )
        self._optimization = Optimization(config, self._architecture, self._weights, seed, comm)
        self._totals = EpochTotals.zeros(d_model, n_latents, device)
        self._centre_d = torch.zeros(d_model, dtype=torch.float32, device=device)
        self._scale = torch.ones((), dtype=torch.float64)
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._rows_per_epoch = torch.zeros((), dtype=torch.int64)

    @property
    def sample_rows(self) -> int:
        """How many rows centre and scale are measured on."""
        return self._config.sample_rows

    @property
    def max_epochs(self) -> int:
        """How many passes there are: as asked for, or as many as make the steps."""
        if self._config.max_epochs is not None:
            return self._config.max_epochs
        return -(-self._config.steps // max(self._steps_per_epoch, 1))

    @property
    def done(self) -> bool:
        """True after `max_epochs`."""
        return int(self._epoch) >= self.max_epochs

    def plan(self, rows_per_epoch: int) -> None:
        """Learn how many rows an epoch has, over all processes: schedules depend on it."""
        self._rows_per_epoch.fill_(rows_per_epoch)

    @torch.no_grad()
    def initialize(self, sample_nd: Tensor) -> None:
        """Measure centre and scale on the rows [N, D], and start; all processes take those of rank 0.

        Raises DataError when the rows do not vary.
        """
        weights = self._weights
        check_activations(sample_nd, len(weights.decoder_bias_d))
        if self._comm.rank == 0:
            self._start(sample_nd)
        shared = [self._centre_d, self._scale, weights.decoder_sd]
        if self._comm.rank:
            for tensor in shared:
                tensor.zero_()
        self._comm.all_sum(*shared)
        weights.encoder_sd.copy_(weights.decoder_sd)
        weights.decoder_bias_d.copy_(self._centre_d)
        weights.encoder_bias_s.zero_()
        centred_nd = self._centred(sample_nd)
        # All processes have the same sample, and each row of it counts once.
        mine_nd = centred_nd[self._comm.rank :: self._comm.world_size]
        self._architecture.begin(weights, mine_nd)
        weights.encoder_sd.mul_(self._best_factor(centred_nd[: self._config.step_rows]))
        self._architecture.begin(weights, mine_nd)

    @torch.no_grad()
    def update(self, acts_bd: Tensor) -> Mapping[str, float]:
        """Learn from a batch [B, D], in one step or several; returns the means over them.

        `loss` and its parts, `explained_variance`, `l0`, `grad_norm` before clipping,
        `learning_rate`, and `dead`, the fraction of latents. Raises DataError, before the weights
        change, when the loss is no number or far above those before.
        """
        check_activations(acts_bd, len(self._weights.decoder_bias_d))
        n_rows = torch.tensor(len(acts_bd), dtype=torch.int64, device=acts_bd.device)
        self._comm.all_sum(n_rows)
        n_steps = max(-(-int(n_rows) // self._config.step_rows), 1)
        metrics = [self._learn(rows_bd) for rows_bd in acts_bd.tensor_split(n_steps)]
        return {name: sum(each[name] for each in metrics) / n_steps for name in metrics[0]}

    @torch.no_grad()
    def end_epoch(self) -> Mapping[str, float]:
        """Finish a pass; returns `explained_variance`, `l0` and `dead` over its rows."""
        metrics = self._totals.metrics()
        self._totals.clear()
        self._epoch += 1
        return metrics

    @torch.no_grad()
    def scorer(self) -> SaeScorer:
        """The scorer of what has been learned so far, of activations as they come."""
        weights, scale = self._optimization.scored(), float(self._scale)
        return SaeScorer(
            Dictionary(
                encoder_ds=weights.encoder_sd.T.contiguous(),
                encoder_bias_s=weights.encoder_bias_s * scale,
                decoder_sd=weights.decoder_sd,
                decoder_bias_d=weights.decoder_bias_d * scale,
                activation=self._architecture.activation(weights, scale),
            )
        )

    def state_dict(self) -> Mapping[str, Tensor]:
        """Copies of all that changes."""
        return {name: tensor.clone() for name, tensor in self._tensors().items()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`; raises StoreError when it is not of these options and this width."""
        n_latents, d_model = self._weights.decoder_sd.shape
        what = f"a sparse autoencoder with {n_latents} latents of {d_model} dimensions"
        check_state(self._tensors(), state, what)
        for name, tensor in self._tensors().items():
            tensor.copy_(state[name])

    @property
    def _steps_per_epoch(self) -> int:
        """Steps of one epoch, when batches are no shorter than steps; 0 when nobody said."""
        return -(-int(self._rows_per_epoch) // self._config.step_rows)

    @property
    def _schedule(self) -> Schedule:
        steps = self.max_epochs * self._steps_per_epoch or self._config.steps
        return Schedule.of(self._config, len(self._weights.decoder_sd), steps)

    def _start(self, sample_nd: Tensor) -> None:
        centre_d = centre(sample_nd, self._config.center)
        scale = spread(sample_nd, centre_d) if len(sample_nd) else 0.0
        if not scale > 0:
            raise DataError(
                f"a sparse autoencoder cannot be scaled to a sample of {len(sample_nd)} rows that "
                "do not vary: give it more rows, or others"
            )
        self._scale.fill_(scale)
        self._centre_d.copy_(centre_d / scale)
        decoder_sd = self._weights.decoder_sd
        decoder_sd.copy_(
            directions(sample_nd, centre_d, len(decoder_sd), self._config.start, self._generator)
        )

    def _best_factor(self, centred_bd: Tensor) -> Tensor:
        """What latents are to be multiplied by for the least squared error, 0-d."""
        rows = torch.tensor(len(centred_bd), dtype=torch.int64, device=centred_bd.device)
        self._comm.all_sum(rows)
        outcome = self._architecture.step(self._weights, centred_bd, int(rows), 0.0)
        decoded_bd = outcome.errors_bd + centred_bd
        products = torch.stack([(decoded_bd * centred_bd).sum(), decoded_bd.square().sum()])
        self._comm.all_sum(products)
        return products[0] / products[1].clamp(min=1e-12)

    def _centred(self, acts_bd: Tensor) -> Tensor:
        """Rows of unit scale, minus the decoder's bias."""
        scale = float(self._scale)
        return torch.sub(acts_bd, self._weights.decoder_bias_d * scale).mul_(1 / scale)

    def _sums(self, centred_bd: Tensor) -> tuple[Tensor, Tensor]:
        """The sum and the sum of squares of rows minus the first centre, which does not move."""
        offset_d = (self._weights.decoder_bias_d - self._centre_d).double()
        sums_d = centred_bd.sum(dim=0).double()
        squares = torch.linalg.vector_norm(centred_bd).double().square()
        squares += 2 * (sums_d @ offset_d) + len(centred_bd) * (offset_d @ offset_d)
        return sums_d + len(centred_bd) * offset_d, squares

    def _learn(self, acts_bd: Tensor) -> dict[str, float]:
        """Take one step on rows [B, D], and count them."""
        rows = torch.tensor(len(acts_bd), dtype=torch.int64, device=acts_bd.device)
        self._comm.all_sum(rows)
        n_rows = int(rows)
        centred_bd = self._centred(acts_bd)
        sums_d, squares = self._sums(centred_bd)
        schedule = self._schedule
        learned = self._optimization.learn(centred_bd, n_rows, schedule)
        self._comm.all_sum(sums_d, squares)
        batch = EpochTotals.of(learned, sums_d, squares)
        self._totals.add(batch)
        metrics = batch.metrics()
        return {
            "loss": learned.loss,
            "explained_variance": metrics["explained_variance"],
            "l0": metrics["l0"],
            "dead": float(self._optimization.dead(schedule).double().mean()),
            "reconstruction_loss": learned.reconstruction,
            "sparsity_loss": learned.sparsity,
            "auxiliary_loss": learned.auxiliary,
            "grad_norm": learned.grad_norm,
            "learning_rate": learned.learning_rate,
        }

    def _tensors(self) -> dict[str, Tensor]:
        """The live tensors of the state by name."""
        return {
            **self._optimization.state(),
            **self._totals.state(),
            "centre_d": self._centre_d,
            "scale": self._scale,
            "epoch": self._epoch,
            "rows_per_epoch": self._rows_per_epoch,
        }
