"""Each checkpoint that another program wrote computes what that program computed, and survives export."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from traits_core import ConfigError
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.formats import (
    FORMATS,
    detect,
    read_checkpoint,
    write_checkpoint,
)

EXACT = {"rtol": 0.0, "atol": 1e-5}
GEMMA = "gemma_scope/layer_12/width_64/average_l0_4"
# Training checkpoints of batch-top-k are scored one row at a time, as their inference form is.
CASES = {
    "saelens/standard/training": ("saelens", "acts_training", "recon_training"),
    "saelens/standard/inference": ("saelens", "acts", "recon"),
    "saelens/topk/training": ("saelens", "acts_training", "recon_training"),
    "saelens/topk/inference": ("saelens", "acts", "recon"),
    "saelens/batchtopk/training": ("saelens", "acts", "recon"),
    "saelens/batchtopk/inference": ("saelens", "acts", "recon"),
    "dictionary_learning/standard/trainer_0": ("dictionary-learning", "acts", "recon"),
    "dictionary_learning/batchtopk/trainer_0": ("dictionary-learning", "acts", "recon"),
    "sparsify/topk": ("sparsify", "acts", "recon"),
    GEMMA: ("gemma-scope", "acts", "recon"),
}
every_case = pytest.mark.parametrize("case", CASES)
TOPK = ("saelens/topk/training", "saelens/topk/inference", "sparsify/topk")
REFUSED = {
    *((case, "gemma-scope") for case in TOPK),
    *((case, "sparsify") for case in CASES if case not in TOPK),
    (GEMMA, "saev"),  # each latent has a threshold of its own
}


def _computed(fixtures: Path, case: str) -> dict[str, Tensor]:
    """What the program computed: beside the checkpoint, or in the directory above."""
    root = fixtures / case
    path = next(place / "io.npz" for place in (root, root.parent) if (place / "io.npz").is_file())
    with np.load(path) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


def _check(dictionary: Dictionary, fixtures: Path, case: str) -> None:
    computed = _computed(fixtures, case)
    _, latents, reconstruction = CASES[case]
    torch.testing.assert_close(dictionary.encode(computed["x"]), computed[latents], **EXACT)
    torch.testing.assert_close(
        dictionary.reconstruct(computed["x"]), computed[reconstruction], **EXACT
    )


@every_case
def test_a_checkpoint_is_recognised_and_computes_what_its_program_does(
    fixtures: Path, case: str
) -> None:
    assert detect(fixtures / case) == CASES[case][0]
    _check(read_checkpoint(fixtures / case).dictionary, fixtures, case)


@pytest.mark.parametrize(("case", "name"), [*itertools.product(CASES, FORMATS)])
def test_a_checkpoint_that_is_exported_loads_equal_or_is_refused_by_name(
    fixtures: Path, tmp_path: Path, case: str, name: str
) -> None:
    checkpoint = read_checkpoint(fixtures / case)
    if (case, name) in REFUSED:
        with pytest.raises(ConfigError, match=f"^{name}: "):
            write_checkpoint(tmp_path / "out", name, checkpoint.dictionary, {})
        assert list(tmp_path.iterdir()) == []
        return
    write_checkpoint(tmp_path / "out", name, checkpoint.dictionary, {"from": case})
    assert detect(tmp_path / "out") == name
    _check(read_checkpoint(tmp_path / "out").dictionary, fixtures, case)


def _patches(fixtures: Path, shards: str, layer: int) -> Tensor:
    """The content activations [rows, D] of one layer of saev's shards, read by their definition."""
    root = fixtures / "saev" / "shards" / shards
    facts = json.loads((root / "metadata.json").read_text())
    parts = json.loads((root / "shards.json").read_text())
    layers, tokens = facts["layers"], facts["content_tokens_per_example"] + facts["cls_token"]
    rows = []
    for part in parts:
        values = np.fromfile(root / part["name"], "<f4")
        acts = values.reshape(-1, len(layers), tokens, facts["d_model"])[: part["n_examples"]]
        rows.append(acts[:, layers.index(layer), int(facts["cls_token"]) :])
    return torch.from_numpy(np.concatenate(rows).reshape(-1, facts["d_model"]))


def _scored(path: Path) -> Tensor:
    """The latents that saev saved, a sparse matrix of scipy's, as dense ones."""
    with np.load(path) as file:
        indptr, shape = file["indptr"], file["shape"]
        dense = np.zeros(shape, np.float32)
        for row, (start, stop) in enumerate(itertools.pairwise(indptr)):
            dense[row, file["indices"][start:stop]] = file["data"][start:stop]
    return torch.from_numpy(dense)


@pytest.mark.parametrize("place", ["", "checkpoint", "checkpoint/sae.pt"])
def test_a_run_of_saev_computes_what_saev_did(fixtures: Path, place: str) -> None:
    run = fixtures / "saev" / "runs" / "sae-topk"
    assert detect(run / place) == "saev"
    dictionary = read_checkpoint(run / place).dictionary
    acts_bd = _patches(fixtures, "b21b35ad", layer=2)
    saved_bs = _scored(run / "inference" / "b21b35ad" / "token_acts.npz")
    torch.testing.assert_close(dictionary.encode(acts_bd), saved_bs, **EXACT)


@pytest.mark.parametrize("name", ["saev", "saelens", "sparsify", "dictionary-learning"])
def test_a_run_of_saev_that_is_exported_loads_equal(
    fixtures: Path, tmp_path: Path, name: str
) -> None:
    dictionary = read_checkpoint(fixtures / "saev" / "runs" / "sae-topk").dictionary
    notes = write_checkpoint(tmp_path / "out", name, dictionary, {})
    acts_bd = _patches(fixtures, "b21b35ad", layer=2)
    again = read_checkpoint(tmp_path / "out").dictionary
    torch.testing.assert_close(again.encode(acts_bd), dictionary.encode(acts_bd), **EXACT)
    assert len(notes) == (name != "saev")


def test_the_kmeans_of_saev_is_no_autoencoder(fixtures: Path) -> None:
    with pytest.raises(Exception, match="no checkpoint of saelens"):
        read_checkpoint(fixtures / "saev" / "runs" / "baseline-kmeans")


def test_nothing_is_unpickled(
    fixtures: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[..., Dictionary], tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was unpickled")

    write_checkpoint(tmp_path / "saev", "saev", make("topk"), {})
    for function in ("pickle.load", "pickle.loads", "pickle.Unpickler", "torch.load"):
        monkeypatch.setattr(function, refuse)
    read_checkpoint(fixtures / "dictionary_learning" / "standard" / "trainer_0")
    read_checkpoint(tmp_path / "saev")
