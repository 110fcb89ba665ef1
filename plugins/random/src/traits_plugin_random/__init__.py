"""Random prototypes for traits: the nulls that every learned method has to beat."""

from traits_core import MethodSpec, hookimpl
from traits_plugin_random.config import RandomConfig


@hookimpl
def traits_methods() -> list[MethodSpec]:
    """Offer `random`."""
    return [
        MethodSpec(
            name="random",
            summary="random prototypes: Gaussian or orthogonal directions, or training activations",
            config=RandomConfig,
            factory="traits_plugin_random.method:RandomPrototypes",
            scorer="traits_plugin_random.scorer:DotScorer",
            example={"kind": "activations", "n_prototypes": 8},
        )
    ]
