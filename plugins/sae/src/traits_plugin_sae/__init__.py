"""Sparse autoencoders for traits: trained fast on stored activations, read from and written for others."""

from traits_core import MethodSpec, hookimpl
from traits_plugin_sae.config import SaeConfig


@hookimpl
def traits_methods() -> list[MethodSpec]:
    """Offer `sae`."""
    return [
        MethodSpec(
            name="sae",
            summary="sparse autoencoder: TopK, BatchTopK, nested, ReLU, JumpReLU or gated",
            config=SaeConfig,
            factory="traits_plugin_sae.method:Sae",
            scorer="traits_plugin_sae.scorer:SaeScorer",
            example={"n_latents": 24, "k": 4, "max_epochs": 2, "steps": 8},
        )
    ]
