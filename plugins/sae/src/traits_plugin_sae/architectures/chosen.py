"""Loss and gradients when few latents were chosen: what TopK and BatchTopK share."""

from __future__ import annotations

import torch
from torch import Tensor

from traits_plugin_sae.active import Active, bag_sums, decoded
from traits_plugin_sae.architectures.architecture import Outcome
from traits_plugin_sae.weights import Weights


def reconstruct_chosen(
    weights: Weights, centred_bd: Tensor, active: Active, bounds: Tensor, n_rows: int
) -> Outcome:
    """The squared error of rows [B, D] that few latents reconstruct, and its gradients.

    With `bounds` (int64 [M - 1]), the mean over M nested reconstructions: by the latents below each
    bound, and by all (Bussmann et al. 2025, arXiv 2503.17547). No tensor has B x S values: what is
    multiplied is entries, 2 x entries x D operations each. Memory: M x B x D values.
    """
    n_parts = len(bounds) + 1
    if n_parts > 1:
        active = active.nested(bounds, len(centred_bd))
    values_e = active.values_e.detach().requires_grad_()
    with torch.enable_grad():
        parts_rd = decoded(active, values_e, weights.decoder_sd)
    # Each part is turned in place into the error of the reconstruction that it completes.
    errors_mbd = parts_rd.detach().view(n_parts, *centred_bd.shape)
    errors_mbd[0] -= centred_bd
    for part in range(1, n_parts):
        errors_mbd[part] += errors_mbd[part - 1]
    squares_m = torch.stack([torch.linalg.vector_norm(each).square() for each in errors_mbd])
    errors_bd = errors_mbd[-1]
    if n_parts > 1:
        # What a part adds stands in its own reconstruction and in all larger ones.
        errors_bd = errors_bd.clone()
        for part in range(n_parts - 2, -1, -1):
            errors_mbd[part] += errors_mbd[part + 1]
    pulls_rd = errors_mbd.flatten(end_dim=1)
    (slopes_e,) = torch.autograd.grad(parts_rd, values_e, pulls_rd)
    factor = 2 / (n_rows * n_parts)
    return Outcome(
        gradients=_gradients(weights, centred_bd, active, slopes_e, pulls_rd, factor),
        reconstruction=squares_m.sum() / (n_rows * n_parts),
        sparsity=centred_bd.new_zeros(()),
        squared_error=squares_m[-1],
        errors_bd=errors_bd,
        counts_s=active.counts(len(weights.encoder_bias_s)),
    )


def _gradients(
    weights: Weights,
    centred_bd: Tensor,
    active: Active,
    slopes_e: Tensor,
    pulls_rd: Tensor,
    factor: float,
) -> Weights:
    """`factor` times the gradients that follow from those of the chosen values and of the bags."""
    slopes_e = slopes_e * (active.values_e > 0) * factor
    order_e, starts_s = active.by_latent(len(weights.encoder_bias_s))
    bags_e, values_e = active.bags_e[order_e], active.values_e[order_e]
    encoder_bias_s = torch.zeros_like(weights.encoder_bias_s)
    encoder_bias_s.index_add_(0, active.latents_e, slopes_e)
    pulls_d = pulls_rd[: len(centred_bd)].sum(dim=0) * factor
    return Weights(
        encoder_sd=bag_sums(active.rows_e[order_e], starts_s, slopes_e[order_e], centred_bd),
        encoder_bias_s=encoder_bias_s,
        decoder_sd=bag_sums(bags_e, starts_s, values_e * factor, pulls_rd),
        decoder_bias_d=pulls_d - encoder_bias_s @ weights.encoder_sd,
    )
