"""`traits compare` on runs of the digits, as a user types it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from traits_core.probing.selection import chosen_scores
from traits_core.registry.loader import load_registry
from traits_core.scoring.matrix import StoredScores
from traits_core.stores.reader import open_store

DIGITS = ["--dataset", "digits", "--method", "random", "--device", "cpu", "--dataset.limit", "300"]


@pytest.fixture
def traits(traits):
    """Run `traits WORDS... --home HOME`: what it printed; it ends as expected."""

    def command(*words, home=None, code=0):
        ended = traits(*words, *(["--home", home] if home else []))
        assert ended.code == code, ended.err
        return ended.out if code == 0 else ended.err

    return command


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def runs(traits, home):
    """Two seeds of 8 prototypes, and 32 prototypes; later tests find them done."""
    options = (["--method.n-prototypes=8", "--seed", "0"], ["--method.n-prototypes=8", "--seed=1"])
    lines = [*options, ["--method.n-prototypes=32"]]
    return [json.loads(traits("run", *DIGITS, *line, "--json", home=home)) for line in lines]


@pytest.mark.slow
def test_runs_are_ranked_with_their_nulls_and_seeds_are_pooled(traits, runs, home):
    (group,) = json.loads(traits("compare", "--json", home=home))["groups"]
    first, second = group["entries"]
    assert (first["n_prototypes"], second["n_prototypes"]) == (32, 8)
    assert (first["seeds"], sorted(second["seeds"])) == ([0], [0, 1])
    assert first["map"] == runs[2]["map"]["method"]
    assert second["map"] == pytest.approx(np.mean([run["map"]["method"] for run in runs[:2]]))
    assert first["gaussian"] == runs[2]["map"]["gaussian"]
    shown = traits("compare", home=home)
    assert "digits: chosen on train, measured on test (10 traits" in shown
    assert "n_prototypes=8" in shown
    assert "0..1" in shown
    assert f"{first['map']:.4f}" in shown
    each = json.loads(traits("compare", "--each", "--json", home=home))["groups"]
    assert [len(entry["runs"]) for entry in each[0]["entries"]] == [1, 1, 1]


@pytest.mark.slow
def test_a_paired_difference_is_as_sure_as_the_paired_bootstrap_says(traits, runs, home):
    names = [runs[2]["run"], runs[0]["run"]]
    (group,) = json.loads(traits("compare", *names, "--paired", "--json", home=home))["groups"]
    best, other = group["entries"]
    assert best["behind"] == best["behind_ci95_low"] == best["behind_ci95_high"] == 0
    assert other["behind"] == pytest.approx(other["map"] - best["map"], abs=1e-12)

    splits = [_scores_and_labels(run) for run in (other["runs"][0], best["runs"][0])]
    rng = np.random.default_rng(0)
    n = len(splits[0][1])

    def difference(weights_n):
        a, b = (
            np.mean(
                [
                    average_precision_score(labels_n, scores_n, sample_weight=weights_n)
                    for scores_n, labels_n in zip(scores_nt.T, labels_nt.T, strict=True)
                ]
            )
            for scores_nt, labels_nt in splits
        )
        return a - b

    assert other["behind"] == pytest.approx(difference(None), abs=1e-9)
    draws = [difference(rng.multinomial(n, np.full(n, 1 / n)).astype(float)) for _ in range(150)]
    width = other["behind_ci95_high"] - other["behind_ci95_low"]
    assert width / (2 * 1.96) == pytest.approx(np.std(draws), rel=0.25)


def _scores_and_labels(run):
    from traits_core.stages.probe import read_result, trait_labels
    from traits_core.stages.rundir import open_run

    registry = load_registry()
    opened = open_run(Path(run), registry)
    rows = [row for row in read_result(opened).tables["traits"] if row["row"] == "method"]
    store = open_store(opened.scores / "test", registry)
    prototypes_t = np.array([row["prototype"] for row in rows])
    labels = trait_labels(opened.config.dataset.build(), "digits", "test")
    return chosen_scores(StoredScores(store, "method"), prototypes_t, 512), labels.labels_nt


@pytest.mark.slow
def test_runs_on_other_examples_are_said_to_be_not_comparable(traits, runs, home):
    words = [*DIGITS[:-1], "200", "--method.n-prototypes=8", "--json"]
    other = json.loads(traits("run", *words, home=home))["run"]
    names = [runs[0]["run"], other]
    assert json.loads(traits("compare", *names, "--json", home=home))["comparable"] is False
    shown = traits("compare", *names, home=home)
    assert shown.startswith("These runs were not measured on the same (they differ in labels")


def test_an_unknown_run_is_one_clear_error(traits, tmp_path):
    message = traits("compare", "nope", home=tmp_path, code=2)
    assert message.startswith("traits: error: nope: no run here, nor in ")
    assert traits("compare", home=tmp_path) == f"no finished runs in {tmp_path}/runs\n"


@pytest.mark.slow
def test_random_prototypes_of_two_seeds_are_as_near_as_random_directions(traits, runs, home):
    names = [run["run"] for run in runs]
    (group,) = json.loads(traits("compare", *names, "--stability", "--json", home=home))["groups"]
    single, pooled = group["entries"]
    assert single["matched_cosine"] is None
    assert abs(pooled["matched_cosine"] - pooled["matched_cosine_random"]) < 0.15
    assert pooled["matched_share"] < 0.5
    assert "matched random" in traits("compare", *names, "--stability", home=home)


def test_stability_of_each_run_is_refused(traits, home):
    assert "--each" in traits("compare", "--stability", "--each", home=home, code=2)


@pytest.mark.slow
def test_a_page_is_written_beside_the_tables(traits, runs, home, tmp_path):
    page = tmp_path / "compare.html"
    assert "lift" in traits("compare", "--html", str(page), home=home)
    assert "random K = 32" in page.read_text()
    told = json.loads(traits("compare", "--html", str(page), "--json", home=home))
    assert told["html"] == str(page)
    assert "--html" in traits(
        "compare", "--html", str(tmp_path / "no" / "x.html"), home=home, code=2
    )


@pytest.mark.slow
def test_what_is_said_of_a_damaged_result_mends_it_and_keeps_the_training(
    traits, runs, home, tmp_path
):
    run = tmp_path / Path(runs[0]["run"]).name
    shutil.copytree(runs[0]["run"], run)
    results = run / "probe" / "results.json"
    whole = results.read_bytes()
    results.write_bytes(whole[:100])
    for command in ("compare", "report"):
        message = traits(command, str(run), home=home, code=2)
        assert f"{run / 'probe'}" in message
        assert f"run `traits probe {run}`" in message
        assert "afresh" not in message
    shutil.rmtree(run / "probe")
    assert "has no result yet" in traits("report", str(run), home=home, code=2)
    traits("probe", str(run), home=home)
    traits("report", str(run), home=home)
    assert results.read_bytes() == whole


@pytest.mark.slow
@pytest.mark.parametrize(("flag", "lost"), [("--paired", "scores/test"), ("--stability", "scorer")])
def test_a_run_that_lacks_what_a_flag_reads_is_left_out_when_it_was_found(
    traits, runs, tmp_path, flag, lost
):
    copies = [tmp_path / "runs" / Path(run["run"]).name for run in runs]
    for run, copy in zip(runs, copies, strict=True):
        shutil.copytree(run["run"], copy)
    shutil.rmtree(copies[0] / lost)
    (group,) = json.loads(traits("compare", "--each", "--json", home=tmp_path))["groups"]
    assert len(group["entries"]) == 3
    (group,) = json.loads(traits("compare", flag, "--json", home=tmp_path))["groups"]
    compared = {run for entry in group["entries"] for run in entry["runs"]}
    assert compared == set(map(str, copies[1:]))
    message = traits("compare", *map(str, copies), flag, home=tmp_path, code=2)
    assert f"{copies[0] / lost}: " in message
    assert f"compare without {flag}, or remove {copies[0] / lost}" in message


@pytest.mark.slow
def test_the_later_stages_take_the_digest_that_compare_shows(traits, runs, home):
    root = Path(runs[0]["run"])
    digest = root.name.rpartition("-")[2]
    assert traits("report", digest, home=home) == f"{root / 'report' / 'index.html'}\n"
    assert str(root) in traits("probe", root.name, home=home)
    assert traits("materialize", digest, home=home) == f"{root / 'scores'}\n"


@pytest.mark.slow
def test_inspect_says_how_far_a_run_is(traits, runs, tmp_path):
    root = tmp_path / "run"
    shutil.copytree(runs[0]["run"], root)
    look = ["inspect", str(root), "--json"]
    found = json.loads(traits(*look))
    assert (found["state"], found["layer"], found["pooling"]) == ("finished", "patches", "max")
    assert found["scores"] == "dense"
    assert (found["complete"][-1], found["begun"]) == ("report", [])
    status = json.loads((root / "status.json").read_text())
    status["report"]["output"] = None
    (root / "status.json").write_text(json.dumps(status))
    found = json.loads(traits(*look))
    assert found["state"].startswith("not finished")
    assert (found["complete"][-1], found["begun"]) == ("probe", ["report"])
    (root / "status.json").write_text("{")
    assert "status.json: damaged" in json.loads(traits(*look))["state"]
