"""PCA for traits: exact in one pass over the activations, randomized for very wide ones."""

from traits_core import MethodSpec, hookimpl
from traits_plugin_pca.config import PCAConfig


@hookimpl
def traits_methods() -> list[MethodSpec]:
    """Offer `pca`."""
    return [
        MethodSpec(
            name="pca",
            summary="principal components: exact from one pass, randomized for very wide activations",
            config=PCAConfig,
            factory="traits_plugin_pca.method:PCA",
            scorer="traits_plugin_pca.scorer:PCAScorer",
            example={"n_components": 8},
            tags={"deterministic"},
        )
    ]
