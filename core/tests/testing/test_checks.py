"""The checks pass what keeps its contract, and each fails what breaks it in its one point."""

from __future__ import annotations

from importlib import import_module

import mutants
import pytest
import torch

from traits_core.testing.case import CHECK_MODULES, checks_of
from traits_core.testing.runner import Verdict, run_check

KINDS = ("method", "dataset", "backbone", "storage", "format", "probe", "tracker", "command")
for module in ("spec", "scorer", *KINDS):
    import_module(f"mutants.{module}")

MODULES = ("static", *(module for kind in KINDS for module in CHECK_MODULES[kind]))
GOOD = [(case, check) for case in mutants.good_cases() for check in checks_of(case.spec.kind)]
NEEDS_CUDA = "check_works_on_cuda"


def check_named(mutant):
    (check,) = [c for c in checks_of(mutant.case.spec.kind) if c.__name__ == mutant.check]
    return check


@pytest.mark.parametrize(
    ("case", "check"),
    [pytest.param(*pair, id=f"{pair[0].label}-{pair[1].__name__}") for pair in GOOD],
)
def test_good_plugin_passes(case, check):
    outcome = run_check(check, case)
    if outcome.check == NEEDS_CUDA and not torch.cuda.is_available():
        assert outcome.verdict is Verdict.SKIPPED
    else:
        assert outcome.verdict is Verdict.PASSED, outcome.line


@pytest.mark.parametrize(
    "mutant",
    [pytest.param(m, id=f"{m.case.spec.kind}-{m.check}-{m.name}") for m in mutants.MUTANTS],
)
def test_check_fails_its_mutant(mutant):
    if mutant.check == NEEDS_CUDA and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    outcome = run_check(check_named(mutant), mutant.case)
    assert outcome.verdict is Verdict.FAILED
    assert mutant.says in outcome.reason
    assert "\n" not in outcome.line


def test_every_check_has_a_mutant():
    shown = {(m.case.spec.kind, m.check) for m in mutants.MUTANTS}
    static = {check.__name__ for check in checks_of("")}
    missing = {
        (kind, check.__name__)
        for kind in KINDS
        for check in checks_of(kind)
        if check.__name__ not in static and (kind, check.__name__) not in shown
    } | {name for name in static if ("method", name) not in shown}
    assert missing == set()


@pytest.mark.parametrize("name", MODULES)
def test_every_check_is_listed(name):
    module = import_module(f"traits_core.testing.{name}")
    defined = [
        value
        for key, value in vars(module).items()
        if key.startswith("check_") and value.__module__ == module.__name__
    ]
    assert list(module.CHECKS) == defined
    assert all(check.__doc__ for check in defined)
