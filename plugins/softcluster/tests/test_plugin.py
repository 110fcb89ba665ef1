import subprocess
import sys

import attrs
import pytest

from traits_plugin_softcluster import traits_methods
from traits_plugin_softcluster.config import SoftClusterConfig
from traits_plugin_softcluster.method import SoftCluster
from traits_plugin_softcluster.scorer import SoftClusterScorer


def test_the_spec_names_the_classes():
    (spec,) = traits_methods()
    assert spec.load() is SoftCluster
    assert spec.load_scorer_class() is SoftClusterScorer
    assert isinstance(spec.config(**spec.example), SoftClusterConfig)


def test_listing_the_plugin_imports_no_torch():
    code = (
        "import sys, traits_plugin_softcluster as p; p.traits_methods(); "
        "print([name for name in ('torch', 'numpy', 'scipy') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_clusters", 0),
        ("temperature", 0.0),
        ("min_membership", -0.1),
        ("min_membership", 1.0),
        ("top_m", 0),
        ("max_epochs", 0),
        ("exact_epochs", -1),
        ("window", 0.0),
        ("tol", -0.1),
        ("seeding_rows", 0),
        ("small_cluster", 1.0),
    ],
)
def test_options_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        attrs.evolve(SoftClusterConfig(), **{name: value})
