"""All that is measured of a trained autoencoder on activations that it may not have seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

import attrs
import torch
from torch import Tensor

from traits_core import DataError, Reconstruction, ReconstructionSums
from traits_plugin_sae.metrics.correlation import CorrelationSums
from traits_plugin_sae.metrics.geometry import coherence, mean_norm
from traits_plugin_sae.metrics.latents import LatentSums, Sparsity

CORRELATED: Final = 4096
"""Most latents whose correlations are looked at: their products take 128 MiB."""


class Autoencoder(Protocol):
    """What is measured: a `Dictionary`, or a scorer that has one."""

    def sparse(self, acts_bd: Tensor) -> tuple[Tensor, Tensor]: ...

    def reconstruct(self, acts_bd: Tensor) -> Tensor: ...


@attrs.frozen(kw_only=True)
class Evaluation:
    """The metrics of one autoencoder; docs/sae-metrics.md has their formulas.

    Parameters
    ----------
    reconstruction, sparsity: over all rows
    mean_absolute_correlation: over pairs of latents that vary; None when no two do
    correlated_latents: of how many, drawn at random, the pairs were
    coherence, decoder_norm: of the decoder
    """

    reconstruction: Reconstruction
    sparsity: Sparsity
    mean_absolute_correlation: float | None
    correlated_latents: int
    coherence: float
    decoder_norm: float

    def to_json(self) -> dict[str, Any]:
        """One flat record, the histogram last."""
        whole = attrs.asdict(self)
        sparsity = whole.pop("sparsity")
        histogram = sparsity.pop("log_frequencies")
        return {**whole.pop("reconstruction"), **sparsity, **whole, "log_frequencies": histogram}


@torch.no_grad()
def evaluate(
    model: Autoencoder,
    decoder_sd: Tensor,
    batches: Iterable[Tensor],
    *,
    correlated: int = CORRELATED,
    seed: int = 0,
) -> Evaluation:
    """Measure `model`, whose decoder is `decoder_sd` [S, D], on batches [B, D] in one pass.

    Memory: one batch, and (min(S, correlated) + 1)^2 float64 values. Raises DataError without rows.
    """
    n_latents, device = len(decoder_sd), decoder_sd.device
    latents = LatentSums.of_none(n_latents, device)
    pairs = CorrelationSums.of_none(n_latents, correlated, seed, device)
    errors: ReconstructionSums | None = None
    for acts_bd in batches:
        if errors is None:
            errors = ReconstructionSums(acts_bd[0])
        errors.add(acts_bd, model.reconstruct(acts_bd))
        values_bj, indices_bj = model.sparse(acts_bd)
        latents.add_sparse(values_bj, indices_bj)
        pairs.add_sparse(values_bj, indices_bj)
    if errors is None:
        raise DataError("no activations to evaluate on: the split is empty")
    return Evaluation(
        reconstruction=errors.measured(),
        sparsity=latents.measured(),
        mean_absolute_correlation=pairs.mean_absolute(),
        correlated_latents=min(n_latents, correlated),
        coherence=coherence(decoder_sd),
        decoder_norm=mean_norm(decoder_sd),
    )
