"""What goes where: results to stdout, all else to stderr, and a quiet end in odd surroundings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib

import pytest

MAIN = "from traits_core.cli.app import main; main()"


def test_the_list_of_plugins_is_one_json_document(traits):
    rows = json.loads(traits("plugin", "list", "--json").out)
    toy = next(row for row in rows if row["plugin"] == "toy")
    assert toy == {
        "plugin": "toy",
        "distribution": "traits-plugin-toy",
        "version": "1.2",
        "status": "ok",
        "reason": "",
        "offers": [
            *("method:toy", "dataset:toy-folder", "backbone:toy-backbone"),
            *("command:toys", "command:toys-absent", "command:toys-other"),
        ],
    }
    torn = next(row for row in rows if row["plugin"] == "torn")
    assert torn["status"] == "broken"
    assert torn["reason"] == "ModuleNotFoundError: No module named 'no_such_package'"
    assert torn["offers"] == []


def test_the_table_of_plugins_has_a_line_for_each_object_and_the_reasons_below(traits):
    shown = traits("plugin", "list").out.splitlines()
    first = next(number for number, line in enumerate(shown) if line.startswith("toy "))
    assert shown[first].split() == ["toy", "traits-plugin-toy", "1.2", "ok", "method:toy"]
    assert [line.strip() for line in shown[first + 1 : first + 3]] == [
        "dataset:toy-folder",
        "backbone:toy-backbone",
    ]
    assert shown[-1] == (
        "torn (traits-plugin-torn 0.3) is broken: "
        "ModuleNotFoundError: No module named 'no_such_package'"
    )
    assert max(map(len, shown[:-1])) <= 100


def test_a_disabled_plugin_is_listed_as_such(traits, monkeypatch):
    monkeypatch.setenv("TRAITS_DISABLE_PLUGINS", "traits_plugin_toy, torn")
    rows = {row["plugin"]: row for row in json.loads(traits("plugin", "list", "--json").out)}
    assert rows["toy"]["status"] == rows["torn"]["status"] == "disabled"
    assert "no method named 'toy'" in traits("run", "--method", "toy").err


def test_runs_are_looked_for_in_the_home(traits, monkeypatch, tmp_path):
    assert traits("runs").out == "no runs in traits-home/runs\n"
    monkeypatch.setenv("TRAITS_HOME", str(tmp_path / "elsewhere"))
    assert traits("runs").out == f"no runs in {tmp_path}/elsewhere/runs\n"
    assert traits("runs", "--home", "here").out == "no runs in here/runs\n"
    assert traits("runs", "--json").out == "[]\n"


def test_a_dry_run_prints_a_file_that_config_accepts(traits, tmp_path):
    arguments = ("run", "--method", "random", "--dataset", "digits", "--device", "cpu", "--dry-run")
    ended = traits(*arguments, "--seed", "5", "--backbone.no-gray")
    assert ended.code == 0
    tables = tomllib.loads(ended.out)
    assert tables["run"]["seed"] == 5
    assert tables["backbone"]["gray"] is False
    assert "# 1. extract train" in ended.out
    path = tmp_path / "again.toml"
    path.write_text(ended.out)
    again = traits("run", "--config", str(path), "--device", "cpu", "--dry-run")
    assert again.out == ended.out
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["again.toml"]


def test_a_dry_run_as_json_is_one_document(traits):
    arguments = ("run", "--method", "random", "--dataset", "digits", "--device", "cpu", "--dry-run")
    found = json.loads(traits(*arguments, "--json").out)
    assert found["config"]["method"]["name"] == "random"
    assert [step["stage"] for step in found["plan"]][:3] == [
        "extract train",
        "extract test",
        "train",
    ]
    assert {step["state"] for step in found["plan"]} == {"to do"}


def test_a_dry_run_of_several_says_how_they_differ(traits):
    several = ("--vary", "method.n-prototypes=4,8", "--seeds", "0..1", "--dry-run")
    arguments = ("run", "--method", "random", "--dataset", "digits", "--device", "cpu", *several)
    shown = traits(*arguments).out
    assert tomllib.loads(shown)["method"]["n_prototypes"] == 4
    assert shown.splitlines()[-5:] == [
        "# 4 runs learn in one pass over the activations, this one first:",
        "# 1. n_prototypes=4, seed 0: 0 of 8 stages complete",
        "# 2. n_prototypes=4, seed 1: 0 of 8 stages complete",
        "# 3. n_prototypes=8, seed 0: 0 of 8 stages complete",
        "# 4. n_prototypes=8, seed 1: 0 of 8 stages complete",
    ]
    found = json.loads(traits(*arguments, "--json").out)
    assert [plan["options"] for plan in found] == [
        {"method.n_prototypes": n, "run.seed": seed} for n in (4, 8) for seed in (0, 1)
    ]
    assert len({plan["plan"][2]["output"] for plan in found}) == 4


def test_several_runs_are_a_row_each_and_named_while_they_learn(traits):
    small = ("--dataset.limit", "64", "--method.max-epochs", "1", "--device", "cpu")
    arguments = ("run", "--method", "kmeans", "--dataset", "digits", *small)
    ended = traits(*arguments, "--vary", "method.n-clusters=4,8")
    assert ended.code == 0, ended.err
    for name in ("n_clusters=4", "n_clusters=8"):
        assert f"  {name}: epoch 1/1: " in ended.err
        assert f"\n{name}:\n" in ended.err
    heading, _, *rows = (line.split() for line in ended.out.splitlines())
    assert heading[:2] == ["n_clusters", "map"]
    assert heading[-5:] == ["constant", "permuted", "gaussian", "activations", "run"]
    assert [row[0] for row in rows] == ["4", "8"]
    first, second = json.loads(traits(*arguments, "--vary", "method.n-clusters=4,8", "--json").out)
    assert [first["options"], second["options"]] == [
        {"method.n_clusters": 4},
        {"method.n_clusters": 8},
    ]
    assert [row[-1] for row in rows] == [first["run"], second["run"]]
    assert float(rows[1][1]) == pytest.approx(second["map"]["method"], abs=1e-4)


def test_one_of_several_that_fails_is_named_and_the_others_are_shown(traits):
    small = ("--dataset.limit", "64", "--method.max-epochs", "1", "--device", "cpu")
    arguments = ("run", "--method", "kmeans", "--dataset", "digits", *small)
    several = ("--vary", "method.n-clusters=2000,4", "--json")
    ended = traits(*arguments, *several)
    why = "k-means cannot make 2000 clusters of a sample of 1600 rows"
    assert ended.code == 2
    assert f"  n_clusters=2000: dropped, the others go on: {why}" in ended.err
    assert f"traits: error: 1 of 2 runs failed:\nn_clusters=2000: {why}" in ended.err
    (result,) = json.loads(ended.out)
    assert result["options"] == {"method.n_clusters": 4}
    again = traits(*arguments, *several)
    assert (again.code, again.out) == (2, ended.out)
    alone = traits(*arguments, "--method.n-clusters", "2000")
    assert (alone.code, alone.out) == (2, "")
    assert f"traits: error: {why}" in alone.err
    assert "dropped" not in alone.err


def test_a_reader_that_leaves_early_is_no_error():
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, "plugin", "list", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as command:
        command.stdout.close()
        told = command.stderr.read().decode()
    assert told == ""


def test_a_closed_stdout_is_no_error():
    words = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-c", MAIN, "plugin", "list"]
    ended = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110  # at import
def test_a_full_disk_is_one_line():
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        ended = subprocess.run(
            [sys.executable, "-c", MAIN, "plugin", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == "traits: error: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("command", ["plugin list", "run --help"])
def test_an_interruption_ends_with_130_and_no_traceback(process, command):
    code = (
        "import traits_core.registry.loader as m, os, signal\n"
        f"m.load_registry = lambda: os.kill(os.getpid(), signal.SIGINT)\n{MAIN}"
    )
    ended = process(code, *command.split())
    assert (ended.code, ended.out, ended.err) == (130, "", "")


def test_an_interrupted_stage_says_how_to_go_on(process):
    code = (
        "import traits_core.stages.plan as m, os, signal\n"
        f"m.plan = lambda *a: os.kill(os.getpid(), {int(signal.SIGINT)})\n{MAIN}"
    )
    ended = process(
        code, *["run", "--method", "random", "--dataset", "digits", "--device", "cpu", "--dry-run"]
    )
    assert (ended.code, ended.out) == (130, "")
    assert ended.err.endswith("interrupted: the same command goes on from here\n")


def test_what_a_stage_prints_goes_to_stderr(process):
    code = (
        f"import traits_core.stages.plan as m\nm.plan = lambda *a: print('chatter') or [[]]\n{MAIN}"
    )
    words = [
        "run",
        "--method",
        "random",
        "--dataset",
        "digits",
        "--device",
        "cpu",
        "--dry-run",
        "--json",
    ]
    ended = process(code, *words)
    assert json.loads(ended.out)["plan"] == []
    assert "chatter" in ended.err


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_are_never_part_of_the_output(process, environ):
    ended = process(MAIN, "run", "--method", "nope", **environ)
    assert "\x1b" not in ended.err
    assert "\x1b" not in process(MAIN, "--help", **environ).out
