"""`--seeds`: one pass of the data for several runs, each of which ends as if it were trained alone."""

import hashlib
import json

import pytest
import torch

from traits_core import ConfigError
from traits_core.config.run_config import resolve_run
from traits_core.config.seeds import parse_seeds, with_seeds
from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.stages.compose import run_all, run_several
from traits_core.stages.context import Context
from traits_core.streaming.shuffle import ShuffledStream

SMALL = {
    "method": {"name": "kmeans", "n_clusters": 8, "max_epochs": 2},
    "dataset": {"name": "digits", "limit": 64},
    "run": {"batch_size": 256, "checkpoint_every": 2, "normalize": "standardize"},
}

SAE = {  # as many steps as two epochs have: the method must know how long an epoch is
    "name": "sae",
    "n_latents": 32,
    "k": 4,
    "steps": 8,
    "step_rows": 256,
    "dead_after": 1,
    "resample_every": 2,
}


@pytest.fixture(scope="module")
def registry():
    return load_registry()


@pytest.fixture
def home(registry, tmp_path):
    torch.set_num_threads(1)

    def at(name):
        cpu = torch.device("cpu")
        return Context(home=tmp_path / name, registry=registry, device=cpu, progress=Silent())

    return at


def outcome(run):
    """Everything that a run computed, without times and sizes."""
    timed = ("seconds", "rows_per_second", "peak_bytes")
    lines = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    scorer = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in run.scorer.iterdir()
    }
    metrics = [{name: v for name, v in line.items() if name not in timed} for line in lines]
    return run.root.name, metrics, scorer, (run.probe / "results.json").read_text()


@pytest.mark.parametrize("method", [SMALL["method"], SAE], ids=["kmeans", "sae"])
def test_each_seed_ends_as_if_it_were_alone_and_the_store_is_read_once(
    method, registry, home, monkeypatch
):
    configs = with_seeds(resolve_run({**SMALL, "method": method}, registry), (3, 0, 5))
    passes = []
    batches = ShuffledStream.batches

    def counted(self, epoch, start=0):
        passes.append((epoch, start))
        return batches(self, epoch, start)

    monkeypatch.setattr(ShuffledStream, "batches", counted)
    together = [outcome(run) for run in run_several(configs, home("together"))]
    assert passes == [(0, 0), (1, 0)]
    assert together == [outcome(run_all(config, home("alone"))) for config in configs]
    assert len({name for name, *_ in together}) == 3


def test_a_seed_that_has_run_is_not_run_again(registry, home):
    config = resolve_run(SMALL, registry)
    alone = run_all(config, home("home"))
    before = outcome(alone), (alone.root / "status.json").read_text()
    first, _ = run_several(with_seeds(config, (0, 1)), home("home"))
    assert (outcome(first), (first.root / "status.json").read_text()) == before


def test_the_first_seed_is_the_run_without_the_option(registry):
    config = resolve_run(SMALL, registry)
    first, second = with_seeds(config, (0, 1))
    assert first.digest == config.digest
    assert second.run.order_seed == 0
    given = resolve_run({**SMALL, "run": {"shuffle_seed": 9}}, registry)
    assert [one.run.order_seed for one in with_seeds(given, (0, 1))] == [9, 9]


def test_runs_that_want_other_batches_are_refused(registry, home):
    config = resolve_run(SMALL, registry)
    other = resolve_run({**SMALL, "run": {"batch_size": 128}}, registry)
    with pytest.raises(ConfigError, match=r"run\.batch_size \(256, 128\)"):
        run_several([config, other], home("home"))


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0..3", (0, 1, 2, 3)), ("0,2,5", (0, 2, 5)), ("7", (7,)), ("4,1..2,4", (4, 1, 2))],
)
def test_seeds_are_a_range_or_a_list(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "3..1", "a", "1,,2", "-1", "1..", "0-3"])
def test_other_texts_are_refused_with_an_example(text):
    with pytest.raises(ConfigError, match=r"0\.\.3 or 0,2,5"):
        parse_seeds(text)
