"""Naming what is checked, and saying what became of it, without pytest and with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import attrs
import mutants
import numpy as np
import pytest
import torch
from good_plugin.method import GoodMethod

from traits_core.errors import PluginError
from traits_core.registry.loader import load_registry
from traits_core.testing import check_plugin, contract_cases, dataset
from traits_core.testing.case import checks_of, find_cases
from traits_core.testing.runner import Verdict, run_check

HERE = Path(__file__).parent
COMMAND = "from traits_core.cli.app import main; main()"


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "traits.plugins")


class Exits(GoodMethod):
    def __init__(self, config, **arguments):
        sys.exit("goodbye")


class RaisesLongText(GoodMethod):
    def __init__(self, config, **arguments):
        raise ValueError("\nfirst line\nsecond line")


class LacksLibrary:
    def __init__(self, config):
        raise PluginError("run `pip install 'good[extra]'`")


@pytest.mark.parametrize("name", ["good", "good-method", "method:good-method"])
def test_a_plugin_can_be_named_in_several_ways(name):
    labels = [case.label for case in find_cases(mutants.GOOD, name)]
    assert "method:good-method" in labels
    assert len(labels) == (8 if name == "good" else 1)


def test_a_distribution_can_be_named_as_pip_spells_it():
    labels = {case.label for case in find_cases(load_registry({}), "Traits_Plugin.Random")}
    assert labels == {"method:random"}


def test_no_name_means_everything():
    labels = {case.label for case in find_cases(mutants.GOOD)}
    assert {"method:good-method", "probe:good-probe", "storage:zarr"} <= labels


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [("good-metod", "'good-method'"), ("method:good-methd", "'method:good-method'")],
)
def test_an_unknown_name_gets_a_suggestion(name, suggestion):
    with pytest.raises(PluginError, match=rf"{name}.*Did you mean.*{suggestion}"):
        check_plugin(name, mutants.GOOD)


def test_a_broken_plugin_is_refused_with_its_reason():
    registry = load_registry({}, [entry("hurt", "no_such_module")])
    with pytest.raises(PluginError, match=r"broken.*No module named 'no_such_module'"):
        check_plugin("hurt", registry)


def test_a_disabled_plugin_is_refused_with_its_reason():
    found = [entry("good", "good_plugin")]
    registry = load_registry({"TRAITS_DISABLE_PLUGINS": "good"}, found)
    with pytest.raises(PluginError, match="disabled"):
        check_plugin("good", registry)


@pytest.mark.parametrize(
    ("cls", "reason"), [(Exits, "SystemExit: goodbye"), (RaisesLongText, "ValueError: first line")]
)
def test_whatever_a_factory_raises_is_a_failed_check(cls, reason):
    def check_it(case):
        cls(None)

    outcome = run_check(check_it, mutants.good_cases()[0])
    assert outcome.failed
    assert outcome.reason.startswith(f"raised {reason}")
    assert f"{Path(__file__).name}:" in outcome.reason


def test_a_factory_that_lacks_a_library_is_skipped_with_its_reason():
    (case,) = find_cases(mutants.GOOD, "good-dataset")
    lacking = attrs.evolve(case, spec=attrs.evolve(case.spec, factory=f"{__name__}:LacksLibrary"))
    outcomes = [run_check(check, lacking) for check in checks_of("dataset")]
    reasons = {
        outcome.check: outcome.reason for outcome in outcomes if outcome.verdict == "skipped"
    }
    assert set(reasons.values()) == {"run `pip install 'good[extra]'`"}
    need_none = {dataset.check_default_backbone_is_installed}
    assert reasons.keys() == {check.__name__ for check in {*dataset.CHECKS} - need_none}
    assert "raised" not in " ".join(outcome.reason for outcome in outcomes)


def test_outcomes_are_lines_and_json():
    outcomes = list(check_plugin("good-dataset", mutants.GOOD))
    splits = next(outcome for outcome in outcomes if outcome.check == "check_splits_are_named")
    assert splits.line == "passed   dataset:good-dataset::check_splits_are_named"
    assert json.loads(json.dumps(splits.to_json())) == {
        "subject": "dataset:good-dataset",
        "check": "check_splits_are_named",
        "verdict": "passed",
        "reason": "",
    }
    unbounded = next(outcome for outcome in outcomes if outcome.check == "check_version_range")
    assert unbounded.verdict is Verdict.FAILED


def test_a_check_leaves_the_process_as_it_was():
    def check_it(case):
        torch.manual_seed(3)
        np.random.seed(3)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        os.chdir("/")

    before = torch.get_rng_state(), np.random.get_state()[1].copy(), Path.cwd()
    run_check(check_it, mutants.good_cases()[0])
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    assert Path.cwd() == before[2]
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


def test_pytest_cases_name_object_and_check():
    mark = contract_cases("random", expected_failures={"check_version_range": "not yet"}).mark
    cases = {parameter.id: parameter for parameter in mark.args[1]}
    assert "method:random-check_resume_equals_uninterrupted" in cases
    (xfail,) = cases["method:random-check_version_range"].marks
    assert (xfail.name, xfail.kwargs) == ("xfail", {"reason": "not yet", "strict": True})
    assert not cases["method:random-check_import_is_light"].marks


def test_an_expected_failure_must_name_a_check():
    with pytest.raises(PluginError, match="check_no_such"):
        contract_cases("random", expected_failures={"check_no_such": "typo"})


def test_importing_the_suite_imports_neither_pytest_nor_torch():
    code = (
        "import sys, traits_core.testing;"
        "print({'pytest', 'hypothesis', 'torch', 'numpy'} & sys.modules.keys())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "set()"


def test_the_command_exits_with_1_when_a_check_fails(tmp_path):
    metadata = tmp_path / "traits_plugin_good-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: traits-plugin-good\nVersion: 1\n"
    )
    (metadata / "entry_points.txt").write_text("[traits.plugins]\ngood = good_plugin\n")
    ran = subprocess.run(
        [sys.executable, "-c", COMMAND, "plugin", "check", "good-dataset", "--json"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{HERE}"},
        capture_output=True,
        text=True,
    )
    verdicts = {outcome["check"]: outcome["verdict"] for outcome in json.loads(ran.stdout)}
    assert verdicts["check_version_range"] == "failed"  # the metadata requires nothing
    assert verdicts["check_digest_is_stable"] == "passed"
    assert ran.returncode == 1
