"""Loss and gradients by automatic differentiation, for latents of which any number may be positive."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import torch
from torch import Tensor

from traits_plugin_sae.architectures.architecture import Outcome
from traits_plugin_sae.weights import Weights


@attrs.frozen(eq=False)
class Leaves:
    """Weights that gradients are wanted of, beside rows that already had the decoder's bias subtracted.

    The bias enters through terms that are zero, so that its gradient needs no product of rows x D x S.

    Parameters
    ----------
    weights: leaves of the graph
    centred_bd: activations minus the decoder's bias
    """

    weights: Weights
    centred_bd: Tensor

    def pre_activations(self) -> Tensor:
        """Encoder (x - decoder_bias) + encoder_bias: [B, S]."""
        weights = self.weights
        bias_s = weights.encoder_bias_s - weights.encoder_sd.detach() @ self._zero_d()
        return torch.addmm(bias_s, self.centred_bd, weights.encoder_sd.T)

    def errors(self, latents_bs: Tensor) -> Tensor:
        """Reconstruction minus activation: [B, D]."""
        return torch.addmm(self._zero_d(), latents_bs, self.weights.decoder_sd) - self.centred_bd

    def _zero_d(self) -> Tensor:
        bias_d = self.weights.decoder_bias_d
        return bias_d - bias_d.detach()


Loss = Callable[[Leaves], tuple[Tensor, Tensor, Tensor, Tensor]]
"""Gives the loss of reconstruction, that of sparsity, the errors [B, D] and the latents [B, S]."""


def differentiated(weights: Weights, centred_bd: Tensor, loss: Loss) -> Outcome:
    """The outcome of a loss on rows [B, D] that had the decoder's bias subtracted."""
    leaves = {name: tensor.detach().requires_grad_() for name, tensor in weights.named().items()}
    with torch.enable_grad():
        reconstruction, sparsity, errors_bd, latents_bs = loss(
            Leaves(Weights.of(leaves), centred_bd)
        )
        gradients = torch.autograd.grad(reconstruction + sparsity, list(leaves.values()))
    return Outcome(
        gradients=Weights.of(dict(zip(leaves, gradients, strict=True))),
        reconstruction=reconstruction.detach(),
        sparsity=sparsity.detach(),
        squared_error=torch.linalg.vector_norm(errors_bd.detach()).square(),
        errors_bd=errors_bd.detach(),
        counts_s=(latents_bs.detach() > 0).sum(dim=0),
    )
