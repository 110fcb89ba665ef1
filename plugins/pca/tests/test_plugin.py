import subprocess
import sys

import pytest

from traits_plugin_pca import traits_methods
from traits_plugin_pca.config import PCAConfig
from traits_plugin_pca.method import PCA
from traits_plugin_pca.scorer import PCAScorer


def test_the_spec_names_the_classes():
    (spec,) = traits_methods()
    assert spec.load() is PCA
    assert spec.load_scorer_class() is PCAScorer
    assert isinstance(spec.config(**spec.example), PCAConfig)


def test_listing_the_plugin_imports_no_torch():
    code = "import sys, traits_plugin_pca as p; p.traits_methods(); print('torch' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_components", 0),
        ("explained", 0.0),
        ("explained", 1.0),
        ("epsilon", -1e-9),
        ("signs", "both"),
        ("exact_up_to", -1),
        ("max_epochs", 0),
        ("tol", 1.0),
    ],
)
def test_options_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        PCAConfig(**{name: value})
