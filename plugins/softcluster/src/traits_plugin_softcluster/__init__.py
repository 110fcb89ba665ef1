"""Soft clusters for traits: a temperature softmax over cosines, learned from a stream."""

from traits_core import MethodSpec, hookimpl
from traits_plugin_softcluster.config import SoftClusterConfig


@hookimpl
def traits_methods() -> list[MethodSpec]:
    """Offer `softcluster`."""
    return [
        MethodSpec(
            name="softcluster",
            summary="soft clusters of directions: softmax over cosines, mini-batch then exact EM",
            config=SoftClusterConfig,
            factory="traits_plugin_softcluster.method:SoftCluster",
            scorer="traits_plugin_softcluster.scorer:SoftClusterScorer",
            example={"n_clusters": 8, "max_epochs": 3, "exact_epochs": 1},
        )
    ]
