import subprocess
import sys

import attrs
import pytest

from traits_plugin_kmeans import traits_methods
from traits_plugin_kmeans.config import KMeansConfig
from traits_plugin_kmeans.method import KMeans
from traits_plugin_kmeans.scorer import KMeansScorer


def test_the_spec_names_the_classes():
    (spec,) = traits_methods()
    assert spec.load() is KMeans
    assert spec.load_scorer_class() is KMeansScorer
    assert isinstance(spec.config(**spec.example), KMeansConfig)


def test_listing_the_plugin_imports_no_torch():
    code = (
        "import sys, traits_plugin_kmeans as p; p.traits_methods(); print('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_clusters", 0),
        ("max_epochs", 0),
        ("tol", -0.1),
        ("tol", 1.0),
        ("seeding_rows", 0),
        ("n_candidates", 0),
        ("small_cluster", 1.0),
        ("n_init", 0),
        ("exact_passes", -1),
        ("first_window", 0.0),
        ("window", -1.0),
        ("patience", 0),
    ],
)
def test_options_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        attrs.evolve(KMeansConfig(), **{name: value})


def test_many_clusters_are_seeded_with_fewer_candidates_unless_they_are_asked_for():
    sizes = (4096, 8192, 16384, 100_000)
    assert [KMeansConfig(n_clusters=n).candidates for n in sizes] == [10, 5, 2, 1]
    assert KMeansConfig(n_clusters=100_000, n_candidates=7).candidates == 7
