"""`traits run --normalize KIND` on the small dataset: what changes, what must not, and resuming."""

import json
import shutil
from pathlib import Path

import attrs
import pytest
import torch

from traits_core.config.run_config import resolve_run
from traits_core.errors import StageError
from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.scoring.saved import load_scorer
from traits_core.stages.compose import run_all
from traits_core.stages.context import Context
from traits_core.stages.train import train
from traits_core.stores.reader import open_store
from traits_core.tensors import load_tensors

KINDS = ("none", "center", "standardize", "unit-norm", "zca", "pca")


class InterruptedRunError(Exception):
    pass


@attrs.frozen
class Runs:
    """Runs of k-means on digits below one home directory."""

    home: Path

    @property
    def context(self):
        return Context(
            home=self.home,
            registry=load_registry(),
            device=torch.device("cpu"),
            progress=Silent(),
        )

    def config(self, kind, **run):
        raw = {
            "method": {"name": "kmeans", "n_clusters": 32, "max_epochs": 3},
            "dataset": {"name": "digits"},
            "run": {"normalize": kind, "batch_size": 2048, "checkpoint_every": 4, **run},
        }
        return resolve_run(raw, self.context.registry)

    def finish(self, kind, **run):
        return run_all(self.config(kind, **run), self.context)


def headline(run):
    rows = json.loads((run.probe / "results.json").read_text())["headline"]
    return {row["row"]: row["map"] for row in rows}


@pytest.fixture(scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, one_thread):
    """A finished run of each kind, by kind, and their home."""
    runs = Runs(tmp_path_factory.mktemp("home"))
    return runs, {kind: runs.finish(kind) for kind in KINDS}


@pytest.mark.slow
def test_every_kind_runs_to_a_report_with_the_same_nulls(finished):
    _, runs = finished
    maps = {kind: headline(run) for kind, run in runs.items()}
    for kind in KINDS:
        assert (runs[kind].report).exists()
        for null in ("constant", "gaussian", "activations"):  # they see raw activations
            assert maps[kind][null] == maps["none"][null]
        assert maps[kind]["method"] > 0.25
    assert len({run.root for run in runs.values()}) == len(KINDS)


@pytest.mark.slow
def test_k_means_does_not_mind_a_shift_or_a_rotation(finished):
    """Distances after PCA whitening are those after ZCA whitening; after centring, those before."""
    _, runs = finished
    maps = {kind: headline(run)["method"] for kind, run in runs.items()}
    assert maps["center"] == pytest.approx(maps["none"], abs=0.02)
    assert maps["pca"] == pytest.approx(maps["zca"], abs=0.02)
    assert maps["standardize"] != maps["none"]
    assert maps["zca"] < maps["none"] - 0.01  # it drops what the covariance knows


@pytest.mark.slow
def test_the_method_was_taught_and_is_asked_in_the_normalised_space(finished):
    runs, by_kind = finished
    run = by_kind["standardize"]
    scorer, facts = load_scorer(run.scorer, runs.context.registry, torch.device("cpu"))
    tensors, _ = load_tensors(run.scorer / "scorer.safetensors")
    centroids = next(t for t in tensors.values() if t.ndim == 2)
    assert centroids.abs().max() < 6  # standard deviations
    (root,) = (runs.home / "activations").glob("digits-train-*")
    store = open_store(root, runs.context.registry)
    acts_bd = store.read(store.header.arrays[0].name, 0, 500).float()
    mean_d, std_d = acts_bd.mean(0), acts_bd.std(0)
    assert torch.equal(scorer(acts_bd), scorer.scorer(scorer.normalizer(acts_bd)))
    torch.testing.assert_close(
        scorer.normalizer(acts_bd), (acts_bd - mean_d) / std_d, rtol=0, atol=0.5
    )
    (kept,) = (runs.home / "statistics").rglob("*.safetensors")
    assert facts.normalizer.statistics is not None
    assert kept.stat().st_size > 0


@pytest.mark.slow
def test_statistics_are_shared_by_the_runs_of_one_store(finished):
    _, by_kind = finished
    digests = {
        json.loads((by_kind[kind].scorer / "scorer.json").read_text())["normalizer"]["statistics"]
        for kind in ("center", "standardize", "zca", "pca")
    }
    assert len(digests) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["standardize", "pca"])
def test_an_interrupted_run_ends_bit_for_bit_where_an_uninterrupted_one_does(
    finished, tmp_path, kind, monkeypatch
):
    _, by_kind = finished
    home = Runs(tmp_path)
    config = home.config(kind)
    method, calls = config.method.spec.load(), []
    update = method.update

    def failing(self, acts_bd):
        calls.append(1)
        if len(calls) == 18:
            raise InterruptedRunError
        return update(self, acts_bd)

    monkeypatch.setattr(method, "update", failing)
    with pytest.raises(InterruptedRunError):
        run_all(config, home.context)
    # The statistics are gone, and could come out differently elsewhere: they are not needed again.
    shutil.rmtree(home.home / "statistics")
    run = run_all(config, home.context)
    assert not (home.home / "statistics").exists()
    names = ("scorer.json", "scorer.safetensors", "normalizer.safetensors")
    for name in names:
        assert (run.scorer / name).read_bytes() == (by_kind[kind].scorer / name).read_bytes(), name
    assert headline(run) == headline(by_kind[kind])


@pytest.mark.slow
def test_training_is_refused_when_the_normalisation_has_changed(finished):
    runs, by_kind = finished
    run = by_kind["zca"]
    changed = attrs.evolve(run.config, run=attrs.evolve(run.config.run, normalize_epsilon=0.5))
    (root,) = (runs.home / "activations").glob("digits-train-*")
    store = open_store(root, runs.context.registry)
    with pytest.raises(StageError, match="inputs changed since it began: normalize"):
        train([attrs.evolve(run, config=changed)], store, runs.context)
