"""`--seeds`: one pass of the data for several runs, each of which ends as if it were trained alone."""

import hashlib
import io
import itertools
import json
import signal

import attrs
import pytest
import torch

from traits_core.cli.progress import Lines
from traits_core.config.run_config import resolve_run
from traits_core.config.sweep import SEED, sweep
from traits_core.errors import DataError, DiskFullError
from traits_core.interruption import Interrupted
from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.scoring.saved import load_scorer
from traits_core.stages import compose, materialize
from traits_core.stages.compose import FailedRunsError, run_all, run_several
from traits_core.stages.context import Context
from traits_core.stages.probe import probe
from traits_core.stages.rundir import run_root
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
    configs = sweep({**SMALL, "method": method}, {SEED: (3, 0, 5)}, registry)
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


class Pickling:
    """A scorer that writes what is not kept."""

    def save(self, directory):
        (directory / "centroids.pkl").write_bytes(b"")


def no_scorer():
    raise DataError("nothing was learned")


@pytest.mark.parametrize(
    ("make", "why"), [(no_scorer, "nothing was learned"), (Pickling, r"wrote centroids\.pkl")]
)
def test_one_whose_scorer_cannot_be_kept_is_dropped_and_the_others_end_as_if_alone(
    registry, home, monkeypatch, make, why
):
    configs = sweep(SMALL, {SEED: (3, 0, 5)}, registry)
    kmeans, asked = configs[0].method.spec.load(), itertools.count(1)
    scorer = kmeans.scorer
    with monkeypatch.context() as patch:
        patch.setattr(kmeans, "scorer", lambda self: make() if next(asked) == 2 else scorer(self))
        with pytest.raises(
            FailedRunsError, match=rf"1 of 3 runs failed:\nseed 0: .*{why}"
        ) as caught:
            run_several(configs, home("together"))
    together = [outcome(run) for run in caught.value.finished]
    assert together == [outcome(run_all(configs[at], home("alone"))) for at in (0, 2)]
    mended = run_several(configs, home("together"))
    assert outcome(mended[1]) == outcome(run_all(configs[1], home("alone")))


class Failing:
    """A scorer that cannot score."""

    n_prototypes = 8

    def __call__(self, acts_bd):
        raise RuntimeError("no such shapes")


@pytest.fixture
def failing(registry, monkeypatch):
    """`failing(stage, root, error)`: the run at `root` fails there, the others do not."""

    def patch(stage, root, error):
        def scorer(directory, *arguments):
            loaded, facts = load_scorer(directory, *arguments)
            return (Failing() if directory.parent == root else loaded), facts

        def probing(run, *arguments):
            if run.root == root:
                raise error
            probe(run, *arguments)

        if stage == "probe":
            monkeypatch.setattr(compose, "probe", probing)
        else:
            monkeypatch.setattr(materialize, "load_scorer", scorer)

    return patch


@pytest.mark.parametrize(
    ("stage", "why"), [("materialize", "RuntimeError: no such shapes"), ("probe", "no labels")]
)
def test_one_that_cannot_be_scored_or_probed_is_dropped_and_the_others_end_as_if_alone(
    registry, home, failing, monkeypatch, stage, why
):
    configs = sweep(SMALL, {SEED: (3, 0, 5)}, registry)
    stream = io.StringIO()
    context = attrs.evolve(home("together"), progress=Lines(stream))
    failing(stage, run_root(context.home, configs[1]), DataError("no labels"))
    told = rf"^1 of 3 runs failed:\nseed 0: .*{why}"
    with pytest.raises(FailedRunsError, match=told) as caught:
        run_several(configs, context)
    assert caught.value.exit_code == 2
    assert "  seed 0: dropped, the others go on: " in stream.getvalue()
    monkeypatch.undo()
    together = [outcome(run) for run in caught.value.finished]
    assert together == [outcome(run_all(configs[at], home("alone"))) for at in (0, 2)]
    mended = run_several(configs, home("together"))
    assert outcome(mended[1]) == outcome(run_all(configs[1], home("alone")))


@pytest.mark.parametrize("error", [DiskFullError("no room"), Interrupted(signal.SIGTERM)])
def test_a_full_disk_or_a_signal_stops_all(registry, home, failing, error):
    configs = sweep(SMALL, {SEED: (3, 0, 5)}, registry)
    roots = [run_root(home("together").home, config) for config in configs]
    failing("probe", roots[1], error)
    with pytest.raises(type(error)):
        run_several(configs, home("together"))
    assert [(root / "scores").exists() for root in roots] == [True, True, False]


def test_one_that_is_alone_fails_with_its_own_error(registry, home, failing):
    (config,) = sweep(SMALL, {}, registry)
    failing("probe", run_root(home("alone").home, config), DataError("no labels"))
    with pytest.raises(DataError, match=r"^no labels$"):
        run_all(config, home("alone"))


def test_a_seed_that_has_run_is_not_run_again(registry, home):
    alone = run_all(resolve_run(SMALL, registry), home("home"))
    before = outcome(alone), (alone.root / "status.json").read_text()
    first, _ = run_several(sweep(SMALL, {SEED: (0, 1)}, registry), home("home"))
    assert (outcome(first), (first.root / "status.json").read_text()) == before


def test_each_of_several_is_told_by_name_and_what_learns_nothing_says_nothing(registry, home):
    stream = io.StringIO()
    context = attrs.evolve(home("told"), progress=Lines(stream))
    raw = {**SMALL, "method": {"name": "random", "n_prototypes": 8, "kind": "gaussian"}}
    run_several(sweep(raw, {SEED: (4, 7)}, registry), context)
    training, _, _ = stream.getvalue().partition("materialize")
    done = [line for line in training.splitlines() if "done in" in line]
    assert [line.partition(" in ")[0] for line in done] == ["  seed 4: done", "  seed 7: done"]
    assert "initialize" not in training
    assert "training:" not in training
