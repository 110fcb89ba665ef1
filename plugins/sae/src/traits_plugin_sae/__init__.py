"""Sparse autoencoders for traits: trained fast on stored activations, read from and written for others."""

from traits_core import CommandSpec, MethodSpec, hookimpl
from traits_plugin_sae.config import SaeConfig


@hookimpl
def traits_methods() -> list[MethodSpec]:
    """Offer `sae`."""
    return [
        MethodSpec(
            name="sae",
            summary="sparse autoencoder: TopK, BatchTopK, nested, ReLU, JumpReLU or gated",
            config=SaeConfig,
            factory="traits_plugin_sae.pretrained:make_method",
            scorer="traits_plugin_sae.scorer:SaeScorer",
            example={"n_latents": 24, "k": 4, "max_epochs": 2, "steps": 8},
        )
    ]


@hookimpl
def traits_commands() -> list[CommandSpec]:
    """Offer `traits sae`."""
    return [
        CommandSpec(
            name="sae",
            summary="sparse autoencoders from and for other programs",
            factory="traits_plugin_sae.commands:app",
        )
    ]
