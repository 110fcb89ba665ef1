"""k-means for traits: a greedy k-means++ start, mini-batch epochs, streaming exact passes."""

from traits_core import MethodSpec, hookimpl
from traits_plugin_kmeans.config import KMeansConfig


@hookimpl
def traits_methods() -> list[MethodSpec]:
    """Offer `kmeans`."""
    return [
        MethodSpec(
            name="kmeans",
            summary="k-means centroids: greedy k-means++ on a sample, mini-batch epochs, exact streaming Lloyd passes",
            config=KMeansConfig,
            factory="traits_plugin_kmeans.method:KMeans",
            scorer="traits_plugin_kmeans.scorer:KMeansScorer",
            example={"n_clusters": 8, "max_epochs": 3},
        )
    ]
