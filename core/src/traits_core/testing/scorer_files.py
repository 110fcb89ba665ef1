"""What the scorer of a method must keep on disk."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import torch

from traits_core.specs import MethodSpec
from traits_core.tensors import load_tensors, save_tensors
from traits_core.testing.case import Case, Check
from traits_core.testing.expect import expect, expect_same, fail
from traits_core.testing.fresh import run_fresh
from traits_core.testing.learning import activations, taught

_SCORE: Final = """
import importlib, pathlib, torch
from traits_core import load_tensors, save_tensors
torch.set_num_threads(1)
module, _, name = given["scorer"].partition(":")
cls = getattr(importlib.import_module(module), name)
scorer = cls.load(pathlib.Path(given["directory"]), torch.device("cpu"))
acts_bd = load_tensors(pathlib.Path(given["acts"]))[0]["acts_bd"]
save_tensors(pathlib.Path(given["scores"]), {"scores_bk": scorer(acts_bd)})
print("null")
"""


def check_scorer_files_are_plain(case: Case) -> None:
    """A scorer is safetensors and JSON, nothing that could execute code, in its directory alone."""
    with TemporaryDirectory() as parent:
        directory = Path(parent) / "scorer"
        directory.mkdir()
        taught(case).scorer().save(directory)
        expect(list(Path(parent).iterdir()) == [directory], "a scorer writes beside its directory")
        files = sorted(path for path in directory.rglob("*") if path.is_file())
        expect(files, "`save` writes no file")
        for path in files:
            _read_plain(path)


def check_scorer_survives_save_and_load(case: Case) -> None:
    """A scorer that is saved and loaded gives the same scores, bit for bit."""
    scorer = taught(case).scorer()
    with TemporaryDirectory() as directory:
        scorer.save(Path(directory))
        loaded = _spec(case).load_scorer_class().load(Path(directory), torch.device("cpu"))
    same = loaded.n_prototypes == scorer.n_prototypes
    expect(same, f"{loaded.n_prototypes} prototypes are loaded, {scorer.n_prototypes} were saved")
    expect_same(loaded(activations()), scorer(activations()), "scores after and before saving")


def check_scorer_loads_in_a_fresh_process(case: Case) -> None:
    """Another process gives the same scores: everything that is needed is in the directory."""
    scorer = taught(case).scorer()
    with TemporaryDirectory() as parent:
        directory, acts, scores = (Path(parent) / name for name in ("scorer", "acts", "scores"))
        directory.mkdir()
        scorer.save(directory)
        save_tensors(acts, {"acts_bd": activations()})
        paths = {"directory": str(directory), "acts": str(acts), "scores": str(scores)}
        run_fresh(_SCORE, scorer=_spec(case).scorer, **paths)
        scores_bk = load_tensors(scores)[0]["scores_bk"]
    expect_same(scores_bk, scorer(activations()), "scores in a fresh process, and in this one")


def _spec(case: Case) -> MethodSpec:
    assert isinstance(case.spec, MethodSpec)
    return case.spec


def _read_plain(path: Path) -> None:
    if path.suffix == ".safetensors":
        load_tensors(path)
    elif path.suffix == ".json":
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            fail(f"{path.name} is not JSON: {error}")
    else:
        fail(f"a scorer writes {path.name}: only .safetensors and .json files are kept")


CHECKS: Final[tuple[Check, ...]] = (
    check_scorer_files_are_plain,
    check_scorer_survives_save_and_load,
    check_scorer_loads_in_a_fresh_process,
)
