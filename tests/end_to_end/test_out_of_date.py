"""What was made again, and is another than it was, has what depends on it made again, and nothing else."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from traits_core.registry.loader import load_registry
from traits_core.scoring.saved import read_facts
from traits_core.stores.reader import open_store
from traits_core.tensors import load_tensors, save_tensors

KMEANS = ["--method", "kmeans", "--method.n-clusters", "8", "--method.max-epochs", "1"]


@pytest.fixture
def traits(traits, tmp_path):
    """Run a command as it is meant to end: what it printed."""

    def command(*words, code=0):
        ended = traits(*words, "--home", tmp_path, "--device", "cpu")
        assert ended.code == code, ended.err
        return ended.out if code == 0 else ended.err

    return command


@pytest.fixture
def run(traits):
    """A finished run."""
    words = [*KMEANS, "--dataset", "digits", "--dataset.limit", "64", "--json"]
    return Path(json.loads(traits("run", *words))["run"])


@pytest.fixture
def plan(traits, run):
    """What a dry run says of each stage."""

    def states():
        said = json.loads(traits("run", "--config", run / "run.json", "--dry-run", "--json"))
        return {step["stage"]: step["state"] for step in said["plan"]}

    return states


def status(run):
    return json.loads((run / "status.json").read_text())


def learn_otherwise(run):
    """Have training end in another scorer when it goes on, as it may on another machine."""
    shutil.rmtree(run / "scorer")
    for path in run.glob("checkpoints/step-*"):
        tensors, facts = load_tensors(path)
        moved = {name: t * 1.01 if t.is_floating_point() else t for name, t in tensors.items()}
        save_tensors(path, moved, facts)


def scored_by(run):
    stores = [open_store(run / "scores" / split, load_registry()) for split in ("train", "test")]
    return {store.array("method").scorer for store in stores}


def test_another_result_has_the_report_made_again_and_nothing_else(traits, run, monkeypatch):
    before = status(run)
    shutil.rmtree(run / "probe")
    monkeypatch.setattr("traits_core.stages.probe.SCHEMA_VERSION", 99)
    traits("probe", run)
    traits("report", run)
    after = status(run)
    assert {name for name in after if after[name] != before[name]} == {"probe", "report"}
    results = (run / "probe" / "results.json").read_bytes()
    assert after["report"]["inputs"]["probe"] == hashlib.sha256(results).hexdigest()
    assert after["report"]["output"]


def test_the_same_result_leaves_the_report_alone(traits, run):
    page = (run / "report" / "index.html").stat().st_ino
    shutil.rmtree(run / "probe")
    traits("run", "--config", run / "run.json")
    assert (run / "report" / "index.html").stat().st_ino == page


def test_another_scorer_has_all_that_follows_made_again(traits, run):
    before = status(run)
    learn_otherwise(run)
    traits("run", "--config", run / "run.json")
    after = status(run)
    assert after["train"]["output"] != before["train"]["output"]
    assert scored_by(run) == {after["train"]["output"]} == {read_facts(run / "scorer").digest}
    made_again = {name for name in after if after[name]["inputs"] != before[name]["inputs"]}
    assert made_again == {"materialize train", "materialize test", "measure", "probe", "report"}
    assert all(state["output"] for state in after.values())
    traits("run", "--config", run / "run.json")
    assert status(run) == after


def test_a_report_never_shows_a_scorer_beside_the_result_of_another(traits, run):
    page = (run / "report" / "index.html").read_bytes()
    learn_otherwise(run)
    assert f"run `traits materialize {run}` first" in traits("report", run, code=2)
    traits("train", "--config", run / "run.json")
    for stage in ("materialize", "probe"):
        assert f"run `traits {stage} {run}` first" in traits("report", run, code=2)
        assert (run / "report" / "index.html").read_bytes() == page
        traits(stage, run)
    traits("report", run)


def test_splits_that_were_scored_by_different_scorers_are_not_probed(traits, run, tmp_path):
    kept = tmp_path / "kept"
    shutil.copytree(run / "scores" / "test", kept)
    learn_otherwise(run)
    traits("train", "--config", run / "run.json")
    traits("materialize", run)
    shutil.rmtree(run / "scores" / "test")
    kept.rename(run / "scores" / "test")
    before = (run / "probe" / "results.json").read_bytes()
    assert f"run `traits materialize {run}` first" in traits("probe", run, code=2)
    assert (run / "probe" / "results.json").read_bytes() == before


SCORED = ("materialize train", "materialize test", "measure")


def test_a_dry_run_says_what_a_run_will_make_again(traits, plan, run):
    assert set(plan().values()) == {"complete"}
    learn_otherwise(run)
    behind = dict.fromkeys((*SCORED, "probe", "report"), "depends")
    extracted = dict.fromkeys(("extract train", "extract test"), "complete")
    assert plan() == {**extracted, "train": "begun", **behind}
    traits("train", "--config", run / "run.json")
    before = status(run)
    again = dict.fromkeys(behind, "again")
    assert plan() == {**extracted, "train": "complete", **again}
    assert status(run) == before
    traits("materialize", run)
    scored = dict.fromkeys(SCORED, "complete")
    assert plan() == {
        **extracted,
        "train": "complete",
        **scored,
        "probe": "again",
        "report": "again",
    }
    traits("run", "--config", run / "run.json")
    assert set(plan().values()) == {"complete"}


def test_a_dry_run_says_that_what_was_removed_goes_on(plan, run):
    shutil.rmtree(run / "scores" / "test")
    states = {name: state for name, state in plan().items() if state != "complete"}
    assert states == {"materialize test": "begun", "probe": "depends", "report": "depends"}


def test_a_dry_run_is_refused_as_the_run_is(traits, run):
    (run / "report" / "index.html").write_text("<p>by hand</p>")
    words = "run", "--config", run / "run.json"
    refused = traits(*words, code=2).splitlines()[-1]
    assert "index.html was changed after it was finished" in refused
    assert traits(*words, "--dry-run", code=2).splitlines()[-1] == refused


@pytest.mark.parametrize(
    "words",
    [
        ("sae", "--method.checkpoint", "/nowhere"),
        ("kmeans", "--scores", "top-k", "--scores-tau", "1"),
        ("kmeans", "--pooling", "none"),
    ],
    ids=lambda words: words[1],
)
def test_a_dry_run_refuses_at_once_what_the_run_does(traits, words):
    words = "run", "--dataset", "digits", "--method", *words
    assert traits(*words, "--dry-run", code=2) == traits(*words, code=2)
