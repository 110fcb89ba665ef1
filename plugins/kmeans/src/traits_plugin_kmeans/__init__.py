"""k-means for traits: streaming exact Lloyd from a greedy k-means++ start."""

from traits_core import MethodSpec, hookimpl
from traits_plugin_kmeans.config import KMeansConfig


@hookimpl
def traits_methods() -> list[MethodSpec]:
    """Offer `kmeans`."""
    return [
        MethodSpec(
            name="kmeans",
            summary="k-means centroids: greedy k-means++ on a sample, then exact streaming Lloyd passes",
            config=KMeansConfig,
            factory="traits_plugin_kmeans.method:KMeans",
            scorer="traits_plugin_kmeans.scorer:KMeansScorer",
            example={"n_clusters": 8, "max_epochs": 3},
        )
    ]
