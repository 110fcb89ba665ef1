"""`traits sae evaluate`, as a user types it, on a run of the digits."""

import json

import pytest
import torch

from traits_core import load_registry, load_scorer, open_any

RUN = ["run", "--method", "sae", "--dataset", "digits", "--dataset.limit", "200"]
SMALL = ["--method.n-latents=24", "--method.k=4", "--method.steps=8", "--device", "cpu", "--json"]


@pytest.fixture
def traits(traits):
    """Run `traits WORDS...`: what it printed; it ends as expected."""

    def command(*words, code=0):
        ended = traits(*words)
        assert ended.code == code, ended.err
        return ended.out if code == 0 else ended.err

    return command


@pytest.mark.slow
def test_a_run_is_evaluated_on_any_store_of_its_activations(traits, tmp_path):
    run = json.loads(traits(*RUN, *SMALL, "--home", tmp_path))["run"]
    (store,) = (tmp_path / "activations").glob("digits-test-*")
    words = ["sae", "evaluate", run, "--activations", store]
    found = json.loads(traits(*words, "--json"))
    acts_nd = open_any(store, load_registry()).store.read("patches", 0, found["rows"]).float()
    scorer, _ = load_scorer(tmp_path / run / "scorer", load_registry(), torch.device("cpu"))
    errors_nd = scorer.reconstruct(acts_nd) - acts_nd
    assert found["mse"] == pytest.approx(errors_nd.square().mean().item(), rel=1e-5)
    assert found["l0"] == pytest.approx((scorer(acts_nd) > 0).sum(dim=1).double().mean().item())
    shown = traits(*words, "--rows", 100)
    assert "explained_variance  " in shown
    assert json.loads(traits(*words, "--rows", 100, "--json"))["rows"] == 100
    for layer in ([], ["--layer", "method"]):
        scores = tmp_path / run / "scores" / "test"
        told = traits("sae", "evaluate", run, "--activations", scores, *layer, code=2)
        assert f"{scores} holds scores: name activations" in told


def test_what_is_no_scorer_is_one_clear_error(traits, tmp_path):
    message = traits("sae", "evaluate", tmp_path, "--activations", tmp_path, code=2)
    assert message.startswith(f"traits: error: {tmp_path}: no run (run.json) and no scorer")
    (tmp_path / "run.json").write_text("{}")
    message = traits("sae", "export", tmp_path, tmp_path / "out", "--format", "saev", code=2)
    assert message.startswith(f"traits: error: {tmp_path} has no scorer yet: run `traits train`")
    assert not (tmp_path / "out").exists()
