"""What dead latents learn: the errors that the others leave. Gao et al. 2024, arXiv 2406.04093, A.2."""

from __future__ import annotations

import torch
from torch import Tensor

from traits_core import Comm
from traits_plugin_sae.weights import Weights


def considered(dead_s: Tensor, at_most: int, step: int) -> Tensor:
    """The dead latents that learn in this step: int64 [A], other ones each time when there are many."""
    dead_a = dead_s.nonzero()[:, 0]
    if len(dead_a) <= at_most:
        return dead_a
    places_a = torch.arange(at_most, device=dead_s.device) + step * at_most
    return dead_a[places_a % len(dead_a)]


def add_auxiliary(
    weights: Weights,
    gradients: Weights,
    latents_a: Tensor,
    centred_bd: Tensor,
    errors_bd: Tensor,
    weight: float,
    n_rows: int,
    comm: Comm,
) -> Tensor:
    """Add the gradients of the auxiliary loss in place, and return the loss of these rows, 0-d.

    It is `weight` times the squared error of the positive latents among [A] as a reconstruction of
    what the errors [B, D], reconstruction minus activation, leave, divided by the variance of these. Costs five products of
    B x A x D.
    """
    encoder_ad, decoder_ad = weights.encoder_sd[latents_a], weights.decoder_sd[latents_a]
    latents_ba = torch.addmm(weights.encoder_bias_s[latents_a], centred_bd, encoder_ad.T).relu_()
    misses_bd = latents_ba @ decoder_ad + errors_bd
    factor = weight / (n_rows * _variance(errors_bd, n_rows, comm))
    pulls_bd = misses_bd * (2 * factor)
    slopes_ba = (pulls_bd @ decoder_ad.T) * (latents_ba > 0)
    bias_a = slopes_ba.sum(dim=0)
    gradients.encoder_sd.index_add_(0, latents_a, slopes_ba.T @ centred_bd)
    gradients.encoder_bias_s.index_add_(0, latents_a, bias_a)
    gradients.decoder_sd.index_add_(0, latents_a, latents_ba.T @ pulls_bd)
    gradients.decoder_bias_d.sub_(bias_a @ encoder_ad)
    loss: Tensor = torch.linalg.vector_norm(misses_bd).square() * factor
    return loss


def _variance(errors_bd: Tensor, n_rows: int, comm: Comm) -> Tensor:
    """Mean squared distance of the errors of all processes to their mean, 0-d; never 0."""
    sums_d, squares = errors_bd.sum(dim=0), torch.linalg.vector_norm(errors_bd).square()
    comm.all_sum(sums_d, squares)
    variance: Tensor = squares / n_rows - (sums_d / n_rows).square().sum()
    return variance.clamp_(min=1e-12)
