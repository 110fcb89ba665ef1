"""What cannot work is refused before anything is computed."""

import pytest
import torch

from traits_core.config.run_config import resolve_run
from traits_core.errors import ConfigError, TraitsError
from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.stages.compose import run_all
from traits_core.stages.context import Context


def run_digits(home, method, **options):
    registry = load_registry()
    raw = {"method": method, "dataset": {"name": "digits"}, "run": options}
    context = Context(home=home, registry=registry, device=torch.device("cpu"), progress=Silent())
    run_all(resolve_run(raw, registry), context)


def test_options_that_the_method_refuses_are_told_before_extraction(tmp_path):
    weights, home = tmp_path / "sae.safetensors", tmp_path / "home"
    weights.write_bytes(b"no weights")
    with pytest.raises(TraitsError, match=r"cfg\.json: no such file"):
        run_digits(home, {"name": "sae", "checkpoint": str(weights)})
    assert not home.exists()


@pytest.mark.parametrize(
    ("scores", "score", "tau"),
    [("top-k", "neg-sq-distance", 0), ("threshold", "neg-distance", 0), ("top-k", "cosine", 1)],
)
def test_scores_of_which_none_would_be_kept_are_refused_before_extraction(
    tmp_path, scores, score, tau
):
    home, told = tmp_path / "home", rf"--scores {scores} .*--scores-tau {tau}.* never above {tau}:"
    method = {"name": "kmeans", "n_clusters": 8, "score": score}
    with pytest.raises(ConfigError, match=told):
        run_digits(home, method, scores=scores, scores_tau=float(tau))
    assert not home.exists()
