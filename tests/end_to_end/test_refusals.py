"""What has changed, is held by another process, or cannot be trusted is refused, and nothing is lost."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from traits_core.config.run_config import resolve_run
from traits_core.errors import (
    BusyError,
    ConfigError,
    DataError,
    PluginError,
    StageError,
    StoreError,
)
from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.scoring.saved import load_scorer
from traits_core.stages.compose import run_all
from traits_core.stages.context import Context
from traits_core.stages.extract import open_source
from traits_core.stores.lock import locked
from traits_core.tensors import load_tensors, save_tensors
from traits_plugin_random.scorer import DotScorer

RANDOM = {
    "method": {"name": "random", "n_prototypes": 16},
    "dataset": {"name": "digits"},
}


@pytest.fixture
def context(tmp_path):
    return Context(
        home=tmp_path,
        registry=load_registry(),
        device=torch.device("cpu"),
        progress=Silent(),
    )


@pytest.fixture
def config(context):
    return resolve_run(RANDOM, context.registry)


def test_a_second_process_on_the_same_run_is_refused(context, config):
    run = run_all(config, context)
    with locked(run.root), pytest.raises(BusyError, match=str(run.root)):
        run_all(config, context)


def test_a_changed_scorer_is_refused_and_kept(context, config):
    run = run_all(config, context)
    (file,) = run.scorer.glob("*.safetensors")
    tensors, facts = load_tensors(file)
    save_tensors(file, {name: tensor * 2 for name, tensor in tensors.items()}, facts)
    with pytest.raises(StoreError, match="changed since it was written"):
        load_scorer(run.scorer, context.registry, context.device)
    with pytest.raises((StageError, StoreError)):
        run_all(config, context)
    assert file.exists()


def test_changed_activations_are_refused(context, config):
    run = run_all(config, context)
    status = json.loads((run.root / "status.json").read_text())
    status["train"]["inputs"]["activations"] = "0" * 64
    (run.root / "status.json").write_text(json.dumps(status))
    with pytest.raises(StageError, match="inputs changed since it began: activations"):
        run_all(config, context)


def test_a_checkpoint_that_has_changed_since_it_was_scored_is_refused(context, tmp_path):
    sae = {"name": "sae", "n_latents": 16, "k": 2, "steps": 1}
    trained = [
        run_all(
            resolve_run({**RANDOM, "method": sae, "run": {"seed": seed}}, context.registry), context
        )
        for seed in (0, 1)
    ]
    checkpoint = tmp_path / "checkpoint"
    taken = resolve_run(
        {**RANDOM, "method": {"name": "sae", "checkpoint": str(checkpoint)}}, context.registry
    )
    with pytest.raises(ConfigError, match=f"--method.checkpoint {checkpoint}: No such file"):
        run_all(taken, context)
    shutil.copytree(trained[0].scorer, checkpoint)
    run = run_all(taken, context)
    before = (run.root / "status.json").read_text()
    run_all(taken, context)
    assert (run.root / "status.json").read_text() == before
    shutil.rmtree(checkpoint)
    shutil.copytree(trained[1].scorer, checkpoint)
    with pytest.raises(StageError, match=r"inputs changed since it began: method\.checkpoint"):
        run_all(taken, context)


def test_a_lost_report_is_made_again(context, config):
    run = run_all(config, context)
    run.report.unlink()
    assert run_all(config, context).report.exists()


def test_a_scorer_that_fails_when_it_is_shown_is_named(context, config, monkeypatch):
    def failing(self, acts_bd):
        raise ValueError("no such activations")

    run = run_all(config, context)
    run.report.unlink()
    monkeypatch.setattr(DotScorer, "__call__", failing)
    with pytest.raises(PluginError, match="scorer 'method' raised ValueError: no such activations"):
        run_all(config, context)


def test_a_lost_shard_is_an_error_never_zeros(context, config):
    run_all(config, context)
    chunk = next((context.home / "activations").glob("digits-train-*/arrays/*/c/0/0"))
    chunk.unlink()
    with pytest.raises(StoreError, match="missing"):
        run_all(config, context)


def test_a_scorer_refuses_other_features(context, config):
    run = run_all(config, context)
    other = resolve_run({**RANDOM, "backbone": {"name": "pixels", "stride": 2}}, context.registry)
    feature = open_source(other, context).backbone.feature_spec("patches")
    _, facts = load_scorer(run.scorer, context.registry, context.device)
    with pytest.raises(DataError, match="trained on other activations"):
        facts.check_feature(feature)


def test_activations_are_shared_by_runs(context, config):
    run_all(config, context)
    before = sorted(path.name for path in (context.home / "activations").iterdir())
    run_all(resolve_run({**RANDOM, "run": {"seed": 1}}, context.registry), context)
    assert sorted(path.name for path in (context.home / "activations").iterdir()) == before
    assert len(list((context.home / "runs").iterdir())) == 2


def test_nothing_in_a_run_is_a_pickle(context, config):
    run = run_all(config, context)
    suffixes = {path.suffix for path in Path(run.root).rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".jsonl", ".safetensors", ".parquet", ".html", ""}
