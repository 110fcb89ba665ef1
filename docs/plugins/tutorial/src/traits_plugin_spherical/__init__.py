"""Spherical k-means for traits."""

from traits_core import MethodSpec, hookimpl
from traits_plugin_spherical.config import SphericalConfig


@hookimpl
def traits_methods() -> list[MethodSpec]:
    """Offer `spherical-kmeans`."""
    return [
        MethodSpec(
            name="spherical-kmeans",
            summary="directions that groups of activations have in common, by cosine",
            config=SphericalConfig,
            factory="traits_plugin_spherical.method:SphericalKMeans",
            scorer="traits_plugin_spherical.scorer:CosineScorer",
            example={"n_prototypes": 8, "max_epochs": 3},
        )
    ]
