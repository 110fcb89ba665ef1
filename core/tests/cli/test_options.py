"""Which raw values a command receives: file < `--set` < options, whatever way they are written."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from traits_core.cli.options import dynamic_command
from traits_core.registry.loader import load_registry

KINDS = ("method", "dataset", "backbone", "storage", "probe")


@pytest.fixture
def raw():
    """Parse a command line of a command that composes all kinds; return its raw configuration."""

    def parse(*arguments):
        received = []

        def command(raw, extra: bool = False) -> None:
            received.append(raw)

        app = typer.Typer(rich_markup_mode=None)
        app.command()(dynamic_command(command, KINDS, load_registry(), arguments))
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return received[0]

    return parse


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("dataset='toy-folder'\n[method]\nname='toy'\ntol=1.5\n[run]\nseed=4\n")
    return path


def test_nothing_given_is_nothing_received(raw):
    assert raw() == {}


def test_names_and_options_make_sections(raw):
    assert raw("--method", "toy", "--seed", "3", "--method.n-prototypes=5") == {
        "method": {"name": "toy", "n_prototypes": "5"},
        "run": {"seed": "3"},
    }


@pytest.mark.parametrize(
    "name", [("--method=toy",), ("--method", "toy"), ("--set=method.name=toy",)]
)
def test_every_way_to_name_a_method_brings_its_options(raw, name):
    assert raw(*name, "--method.tol=2")["method"] == {"name": "toy", "tol": "2"}
    assert raw("--method.tol", "2", *name)["method"] == {"name": "toy", "tol": "2"}


@pytest.mark.parametrize(("flag", "text"), [("normalize", "true"), ("no-normalize", "false")])
def test_a_switch_is_on_or_off(raw, flag, text):
    given = raw("--method", "toy", f"--method.{flag}")
    assert given["method"] == {"name": "toy", "normalize": text}


def test_a_file_brings_names_and_values(raw, file):
    for arguments in (("--config", str(file)), (f"--config={file}",)):
        assert raw(*arguments, "--method.n-prototypes", "9") == {
            "dataset": {"name": "toy-folder"},
            "method": {"name": "toy", "tol": 1.5, "n_prototypes": "9"},
            "run": {"seed": 4},
        }


def test_a_path_may_hold_an_equals_sign(raw, file):
    odd = file.rename(file.parent / "a=b.toml")
    assert raw("--config", str(odd))["run"] == {"seed": 4}
    assert raw(f"--config={odd}")["run"] == {"seed": 4}


def test_options_win_over_set_and_set_over_the_file(raw, file):
    given = raw("--seed=7", "--set", "run.seed=6", "--set=method.tol=3", "--config", str(file))
    assert given["run"] == {"seed": "7"}
    assert given["method"] == {"name": "toy", "tol": "3"}


def test_another_method_drops_the_options_of_the_one_in_the_file(raw, file):
    assert raw("--config", str(file), "--method", "kmeans")["method"] == {"name": "kmeans"}
    given = raw("--config", str(file), "--set", "method.name=kmeans", "--method.n-clusters=2")
    assert given["method"] == {"name": "kmeans", "n_clusters": "2"}


def test_another_dataset_drops_the_backbone_of_the_file_not_that_of_the_command_line(raw, file):
    with file.open("a") as tables:
        tables.write("[backbone]\nname='toy-backbone'\n")
    assert raw("--config", str(file))["backbone"] == {"name": "toy-backbone"}
    other = ("--config", str(file), "--dataset", "digits")
    assert "backbone" not in raw(*other)
    for named in ("--backbone=pixels", "--set=backbone.name=pixels"):
        assert raw(*other, named)["backbone"] == {"name": "pixels"}


def test_the_last_of_two_names_counts(raw):
    given = raw("--method=kmeans", "--method=toy", "--method.tol=1")
    assert given["method"] == {"name": "toy", "tol": "1"}


def test_a_run_json_is_a_file_too(raw, tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"config": {"method": {"name": "toy", "start": None}}}))
    assert raw("--config", str(path), "--method.tol=1")["method"] == {
        "name": "toy",
        "start": None,
        "tol": "1",
    }


def test_the_commands_own_parameters_are_not_configuration(raw):
    assert raw("--extra", "--method", "toy") == {"method": {"name": "toy"}}
