"""One optimiser step: loss, gradients over all processes, clipping, Adam, unit norm, dead latents."""

from __future__ import annotations

from typing import Final

import attrs
import torch
from torch import Tensor

from traits_core import Comm
from traits_plugin_sae.adam import Adam
from traits_plugin_sae.architectures.architecture import Architecture, Outcome
from traits_plugin_sae.auxiliary import add_auxiliary, considered
from traits_plugin_sae.average import Average
from traits_plugin_sae.config import SaeConfig
from traits_plugin_sae.guard import SpikeGuard
from traits_plugin_sae.resampling import resample
from traits_plugin_sae.schedule import Schedule
from traits_plugin_sae.unit_norm import normalize_, project_
from traits_plugin_sae.weights import Weights

AUXILIARY_PART: Final = 2  # at most D / 2 dead latents learn per step, as in Gao et al. 2024


@attrs.frozen(eq=False)
class Learned:
    """What one step saw of the rows of all processes.

    Parameters
    ----------
    n_rows: how many
    reconstruction, sparsity, auxiliary: the parts of the loss
    squared_error: summed over rows
    grad_norm: before clipping
    learning_rate: of this step
    counts_s: in how many rows each latent was positive
    """

    n_rows: int
    reconstruction: float
    sparsity: float
    auxiliary: float
    squared_error: float
    grad_norm: float
    learning_rate: float
    counts_s: Tensor

    @property
    def loss(self) -> float:
        """The sum of its parts."""
        return self.reconstruction + self.sparsity + self.auxiliary


class Optimization:
    """Moves weights by the gradients of an architecture, and knows which latents are dead.

    All processes move their weights alike: by sums of gradients over processes.
    """

    def __init__(
        self,
        config: SaeConfig,
        architecture: Architecture,
        weights: Weights,
        seed: int,
        comm: Comm,
    ) -> None:
        self._config = config
        self._unit = config.decoder_norms == "unit"
        self._seed = seed
        self._architecture = architecture
        self._weights = weights
        self._comm = comm
        self._adam = Adam(weights.named())
        self._average = Average.like(weights, config.ema) if config.ema else None
        self._guard = SpikeGuard(config.spike)
        self._step = torch.zeros((), dtype=torch.int64)
        self._idle_s = torch.zeros_like(weights.encoder_bias_s, dtype=torch.int64)

    def scored(self) -> Weights:
        """A copy of the weights that a scorer is to have: the last ones, or their average."""
        average = self._average if int(self._step) else None
        if average is None:
            return self._weights.copy()
        weights = average.weights.copy()
        if self._unit:
            normalize_(weights.decoder_sd)
        return weights

    def dead(self, schedule: Schedule) -> Tensor:
        """The latents without a positive row for too many steps: bool [S]."""
        return self._idle_s >= schedule.dead_after

    def learn(self, centred_bd: Tensor, n_rows: int, schedule: Schedule) -> Learned:
        """Take a step on rows [B, D] minus the decoder's bias, `n_rows` over all processes.

        Raises DataError, before the weights change, when the loss is no number or a spike.
        """
        step = int(self._step)
        weights = self._weights
        outcome = self._architecture.step(weights, centred_bd, n_rows, schedule.warmth(step))
        dead_s = self.dead(schedule)
        auxiliary = self._auxiliary(outcome, centred_bd, dead_s, n_rows)
        parts = [
            outcome.reconstruction,
            outcome.sparsity,
            auxiliary,
            outcome.squared_error,
        ]
        sums = torch.stack(parts).double()
        gradients = outcome.gradients.named()
        self._comm.all_sum(*gradients.values(), outcome.counts_s, sums)
        reconstruction, sparsity, auxiliary_loss, squared_error = sums.tolist()
        self._guard.check(reconstruction + sparsity + auxiliary_loss, step)
        if self._unit:
            project_(gradients["decoder_sd"], weights.decoder_sd)
        grad_norm = clip_(gradients, self._config.clip)
        rate = schedule.learning_rate * schedule.rate(step)
        self._adam.step(gradients, rate)
        if self._unit:
            normalize_(weights.decoder_sd)
        if self._average is not None:
            self._average.add(weights, step)
        self._idle_s.add_(1).masked_fill_(outcome.counts_s > 0, 0)
        self._step += 1
        self._resample(outcome, schedule)
        return Learned(
            n_rows,
            reconstruction,
            sparsity,
            auxiliary_loss,
            squared_error,
            grad_norm,
            rate,
            outcome.counts_s,
        )

    def state(self) -> dict[str, Tensor]:
        """The live tensors by name, those of the weights included."""
        return {
            **self._weights.named(),
            **self._architecture.state(),
            **self._adam.state(),
            **self._guard.state(),
            **({} if self._average is None else self._average.state()),
            "step": self._step,
            "idle_s": self._idle_s,
        }

    def _resample(self, outcome: Outcome, schedule: Schedule) -> None:
        """Now and then, unless the rate falls already: what moves then has no time to settle."""
        step, every = int(self._step), schedule.resample_every
        dead_s = self.dead(schedule)
        if not every or step % every or schedule.rate(step) < 1 or not dead_s.any():
            return
        moved_a = resample(
            self._weights,
            self._adam,
            dead_s,
            outcome.errors_bd,
            self._seed + step,
            self._comm,
        )
        self._idle_s[moved_a] = 0
        if self._average is not None:
            self._average.restart(self._weights, moved_a)

    def _auxiliary(
        self, outcome: Outcome, centred_bd: Tensor, dead_s: Tensor, n_rows: int
    ) -> Tensor:
        """Add the gradients by which dead latents learn; returns that loss, 0 when none is dead."""
        if not self._config.auxiliary:
            return centred_bd.new_zeros(())
        at_most = max(centred_bd.shape[1] // AUXILIARY_PART, 1)
        latents_a = considered(dead_s, at_most, int(self._step))
        if not len(latents_a):
            return centred_bd.new_zeros(())
        return add_auxiliary(
            self._weights,
            outcome.gradients,
            latents_a,
            centred_bd,
            outcome.errors_bd,
            self._config.auxiliary,
            n_rows,
            self._comm,
        )


def clip_(gradients: dict[str, Tensor], largest: float) -> float:
    """Scale gradients down, in place, to a joint norm of at most `largest`; returns what it was."""
    norms = torch.stack([torch.linalg.vector_norm(each) for each in gradients.values()])
    norm = float(torch.linalg.vector_norm(norms))
    if norm > largest:
        for each in gradients.values():
            each.mul_(largest / norm)
    return norm
