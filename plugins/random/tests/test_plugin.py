import subprocess
import sys

import pytest

from traits_plugin_random import traits_methods
from traits_plugin_random.config import RandomConfig
from traits_plugin_random.method import RandomPrototypes
from traits_plugin_random.scorer import DotScorer


def test_the_spec_names_the_classes():
    (spec,) = traits_methods()
    assert spec.load() is RandomPrototypes
    assert spec.load_scorer_class() is DotScorer
    assert isinstance(spec.config(**spec.example), RandomConfig)


def test_listing_the_plugin_imports_no_torch():
    code = (
        "import sys, traits_plugin_random as p; p.traits_methods(); print('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"


@pytest.mark.parametrize(("name", "value"), [("n_prototypes", 0), ("kind", "uniform")])
def test_options_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        RandomConfig(**{name: value})
