"""A mistake ends in exit code 2 and a few lines on stderr that say what would have been right."""

from __future__ import annotations

import json

import pytest

RUN = ("run", "--method", "toy", "--dataset", "toy-folder")

MISTAKES = {
    "unknown command": (("rnu",), ["No such command 'rnu'"]),
    "empty command": (("",), ["No such command ''"]),
    "unknown subcommand": (("plugin", "lst"), ["No such command 'lst'"]),
    "unknown method": (
        ("run", "--method", "kmeanz"),
        ["no method named 'kmeanz'. Did you mean 'kmeans'? Installed: ", "toy"],
    ),
    "empty method": (("run", "--method", ""), ["no method named ''."]),
    "method without value": (("run", "--method"), ["'--method' requires an argument"]),
    "unknown dataset": (
        ("run", "--dataset=toy-foldr"),
        ["no dataset named 'toy-foldr'. Did you mean 'toy-folder'?"],
    ),
    "unknown option": ((*RUN, "--method.n-prototype", "3"), ["--method.n-prototypes"]),
    "option of another method": (
        ("run", "--method", "kmeans", "--method.metric", "cosine"),
        ["No such option: --method.metric"],
    ),
    "ill-typed value": (
        (*RUN, "--dataset.path", "x", "--method.n-prototypes", "3.5"),
        ["traits: error: --method.n-prototypes: expected an integer, got '3.5'\n"],
    ),
    "wrong choice": (
        (*RUN, "--dataset.path", "x", "--method.metric", "l1"),
        ["traits: error: --method.metric: 'l1' is not allowed; choose from cosine, euclidean\n"],
    ),
    "required option": (RUN, ["--dataset.path is required: folder of pictures\n"]),
    "nothing named": (
        ("run",),
        ["--method is required. Installed: ", "--dataset is required. Installed: "],
    ),
    "several": (
        (*RUN, "--seed", "x", "--method.tol", "inf"),
        ["--seed: expected an integer", "--dataset.path is required", "--method.tol: expected"],
    ),
    "junk in set": ((*RUN, "--set", "junk"), ["--set junk: expected SECTION.OPTION=VALUE"]),
    "empty set": ((*RUN, "--set="), ["--set : expected SECTION.OPTION=VALUE"]),
    "unknown section": (
        (*RUN, "--set", "metod.a=1"),
        ["no section 'metod'. Did you mean 'method'"],
    ),
    "unknown option in set": (
        (*RUN, "--set", "method.n_prototype=1"),
        ["no option --method.n-prototype. Did you mean '--method.n-prototypes'?"],
    ),
    "junk in vary": (
        (*RUN, "--vary", "x"),
        ["--vary x: expected SECTION.OPTION=VALUE, e.g. method"],
    ),
    "an option of the stream in vary": (
        (*RUN, "--vary", "run.batch_size=1,2"),
        ["--vary run.batch_size: only options of method and probe vary"],
    ),
    "ill-typed value in vary": (
        (*RUN, "--dataset.path", "x", "--vary", "method.n-prototypes=3,3.5"),
        ["traits: error: --method.n-prototypes: expected an integer, got '3.5'\n"],
    ),
    "unknown name in set": ((*RUN[:1], "--set", "method.name=toi"), ["no method named 'toi'"]),
    "unicode": (("run", "--method", "größe☃"), ["no method named 'größe☃'"]),
    "missing file": ((*RUN, "--config", "absent.toml"), ["--config absent.toml: No such file"]),
    "directory": ((*RUN, "--config", "."), ["--config .: Is a directory"]),
    "empty file name": ((*RUN, "--config="), ["--config .: Is a directory"]),
    "file without value": ((*RUN, "--config"), ["'--config' requires an argument"]),
    "extra word": ((*RUN, "word"), ["unexpected extra argument"]),
    "unknown device": (
        (*RUN, "--dataset.path", "x", "--device", "abacus"),
        ["traits: error: --device abacus: no such device; here it is one of auto, cpu"],
    ),
    "device without values": (
        (*RUN, "--dataset.path", "x", "--device", "meta"),
        ["traits: error: --device meta: ", "; here it is one of auto, cpu"],
    ),
    "code that is not there": (
        (*RUN, "--dataset.path", "x"),
        ["backbone 'toy-backbone': cannot import 'traits_plugin_toy.absent:Backbone'"],
    ),
    "no such run": (("report", "nowhere"), ["nowhere: no run here", "`traits runs` lists them"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_without_a_traceback(traits, mistake):
    arguments, expected = MISTAKES[mistake]
    ended = traits(*arguments)
    assert (ended.code, ended.out) == (2, "")
    for text in expected:
        assert text in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.splitlines()) <= 8


def test_an_unknown_name_is_told_of_the_plugin_that_could_not_be_loaded(traits):
    told = traits("run", "--method", "torn").err
    assert "  traits-plugin-torn 0.3 (broken): ModuleNotFoundError: No module named" in told


def test_a_run_of_a_plugin_that_is_not_installed_names_it(traits, tmp_path):
    path = tmp_path / "run.json"
    config = {"method": {"name": "gone", "n": 3}, "dataset": {"name": "toy-folder", "path": "x"}}
    path.write_text(json.dumps({"config": config}))
    ended = traits("run", "--config", str(path))
    assert (ended.code, ended.out) == (2, "")
    assert "no method named 'gone'." in ended.err


def test_a_file_with_several_mistakes_names_them_all(traits, tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('method = "toy"\n[dataset]\nname="toy-folder"\npath=3\n[run]\nseed=1.5\nx=1\n')
    told = traits("run", "--config", str(path)).err.splitlines()
    assert told[0].startswith("traits: error: no option --x.")
    assert told[1:] == [
        "--seed: expected an integer, got 1.5",
        "--dataset.path: expected a path, got 3",
    ]
