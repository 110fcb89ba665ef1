"""Sparse autoencoders for traits: trained fast on stored activations, read from and written for others."""

from traits_core import MethodSpec, hookimpl


@hookimpl
def traits_methods() -> list[MethodSpec]:
    """Offer `sae`."""
    return []
