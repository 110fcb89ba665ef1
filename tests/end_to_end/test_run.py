"""The command `traits` as a user types it, on the small dataset."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from traits_core import PluginError
from traits_core.config.run_config import resolve_source
from traits_core.registry.loader import load_registry

REGISTRY = load_registry()
TRAITS = str(Path(sys.executable).with_name("traits"))
DIGITS = ["--dataset", "digits", "--method", "kmeans", "--method.n-clusters", "32"]


def traits(*words: str, home: Path, code: int = 0, **environ: str):
    finished = subprocess.run(
        [TRAITS, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "TRAITS_HOME": str(home), **environ},
    )
    assert finished.returncode == code, finished.stderr
    assert "Traceback" not in finished.stderr
    return finished


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One finished run of k-means on digits."""
    home = tmp_path_factory.mktemp("home")
    return home, json.loads(traits("run", *DIGITS, "--json", home=home).stdout)


def test_run_beats_its_nulls(finished):
    _, result = finished
    scores = result["map"]
    assert list(scores) == ["constant", "permuted", "gaussian", "activations", "method"]
    assert scores["constant"] == pytest.approx(0.1, abs=0.01)
    assert scores["constant"] < scores["permuted"] < scores["method"]
    assert scores["method"] > 0.3
    assert Path(result["report"]).read_text().startswith("<!")


def test_a_second_run_does_nothing_and_says_the_same(finished):
    home, result = finished
    before = {path: path.stat().st_mtime_ns for path in Path(result["run"]).rglob("*.*")}
    again = traits("run", *DIGITS, "--json", home=home)
    assert json.loads(again.stdout) == result
    assert {p: p.stat().st_mtime_ns for p in Path(result["run"]).rglob("*.*")} == before
    for stage in ("extract train", "extract test", "train", "probe", "report"):
        assert f"{stage}: complete" in again.stderr


def test_run_json_repeats_the_run(finished):
    home, result = finished
    again = traits("run", "--config", f"{result['run']}/run.json", "--json", home=home)
    assert json.loads(again.stdout) == result


def test_the_stages_one_by_one_equal_the_run(finished, tmp_path):
    _, expected = finished
    traits("extract", "--dataset", "digits", home=tmp_path)
    run = json.loads(traits("train", *DIGITS, "--json", home=tmp_path).stdout)["run"]
    traits("materialize", run, home=tmp_path)
    result = json.loads(traits("probe", run, "--json", home=tmp_path).stdout)
    traits("report", run, home=tmp_path)
    assert result["map"] == expected["map"]
    assert (Path(run) / "report" / "index.html").exists()


def test_dry_run_writes_nothing_and_tells_what_is_done(finished, tmp_path):
    home, _ = finished
    done = json.loads(traits("run", *DIGITS, "--dry-run", "--json", home=home).stdout)
    assert {step["state"] for step in done["plan"]} == {"complete"}
    assert done["config"]["method"]["n_clusters"] == 32
    plan = json.loads(traits("run", *DIGITS, "--dry-run", "--json", home=tmp_path).stdout)
    assert {step["state"] for step in plan["plan"]} == {"to do"}
    assert not list(tmp_path.iterdir())


def test_runs_lists_it(finished):
    home, result = finished
    (row,) = json.loads(traits("runs", "--json", home=home).stdout)
    assert (row["run"], row["stage"]) == (result["run"], "report")
    assert row["map"] == result["map"]["method"]


def test_train_without_activations_says_what_to_run(tmp_path):
    assert "traits extract" in traits("train", *DIGITS, home=tmp_path, code=2).stderr


def test_a_stage_of_no_run_says_so(tmp_path):
    assert "no run here" in traits("probe", str(tmp_path), home=tmp_path, code=2).stderr


def test_more_prototypes_than_rows_is_refused(finished):
    home, _ = finished
    words = ["--dataset", "digits", "--method", "kmeans", "--method.n-clusters", "1000000"]
    message = traits("run", *words, home=home, code=2).stderr
    assert "1000000" in message.replace(",", "")
    assert "22" in message  # the number of rows there are


def test_an_unknown_split_or_layer_names_those_there_are(tmp_path):
    message = traits("run", *DIGITS, "--test-split", "tset", home=tmp_path, code=2).stderr
    assert "'test'" in message
    assert "train, test" in message
    message = traits("run", *DIGITS, "--layer", "patch", home=tmp_path, code=2).stderr
    assert "patches" in message


def test_there_are_methods_and_datasets():
    assert {"kmeans", "random"} <= {spec.name for spec in REGISTRY.specs("method")}
    assert {"digits", "emoji"} <= {spec.name for spec in REGISTRY.specs("dataset")}


@pytest.mark.slow
@pytest.mark.parametrize("dataset", [spec.name for spec in REGISTRY.specs("dataset")])
def test_every_method_runs_on_every_dataset(dataset, tmp_path):
    skip_without_its_extra(dataset)
    for method in REGISTRY.specs("method"):
        words = ["--method", method.name, "--dataset", dataset, "--dataset.limit", "64"]
        for name, value in method.example.items():
            words += ["--set", f"method.{name}={value}"]
        result = json.loads(traits("run", *words, "--json", home=tmp_path).stdout)
        assert set(result["map"]) >= {"constant", "permuted", "method"}


def skip_without_its_extra(dataset):
    """The backbone says what to install where an extra is missing; all else is a failure."""
    config = resolve_source({"dataset": {"name": dataset}}, REGISTRY)
    try:
        config.backbone.build(device="cpu")
    except PluginError as error:
        if "run `pip install '" not in str(error):
            raise
        pytest.skip(str(error))


def test_a_home_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    message = traits("run", *DIGITS, home=tmp_path / "file", code=2).stderr
    assert "choose another --home" in message
    message = traits("extract", "--dataset", "digits", home=tmp_path / "file", code=2).stderr
    assert "choose another --home" in message


def test_tables_name_their_run_config_and_inputs(finished):
    """A table that is copied out of a run still says where it comes from."""
    root = Path(finished[1]["run"])
    result = json.loads((root / "probe" / "results.json").read_text())
    status = json.loads((root / "status.json").read_text())
    assert result["schema"] == 2
    assert result["run"] == root.name == f"kmeans-digits-{result['config']}"
    assert result["inputs"] == status["probe"]["inputs"]
    for name, rows in {"headline": result["headline"], **result["tables"]}.items():
        table = pq.read_table(root / "probe" / f"{name}.parquet")
        assert table.to_pylist() == rows
        facts = json.loads(table.schema.metadata[b"traits"])
        assert facts == {key: result[key] for key in ("schema", "probe", "run", "config", "inputs")}


def test_labels_are_described_before_results(finished):
    home, result = finished
    (Path(result["run"]) / "probe" / "results.json").unlink()
    again = traits("run", *DIGITS, home=home)
    assert "train: 901 rows x 10 labels, mean prevalence 0.100" in again.stderr
