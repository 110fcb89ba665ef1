"""What a config or a header says beside the weights is checked before it is believed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from traits_core import StoreError
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.formats import read_checkpoint, write_checkpoint

Make = Callable[..., Dictionary]

CONFIGS = {
    "architecture": ({"architecture": "matching_pursuit"}, "'matching_pursuit' is not read"),
    "activation": ({"activation_fn_str": "tanh-relu"}, "only relu and topk are read"),
    "k": ({"architecture": "topk", "k": "4"}, "k must be a whole number from 1"),
    "k too large": ({"architecture": "topk", "k": 13}, "choose k from 1 to 12"),
    "kwargs": (
        {"activation_fn": "topk", "activation_fn_kwargs": [4]},
        r"activation_fn_kwargs must be a JSON object, not \[4\]",
    ),
    "normalisation": ({"normalize_activations": "magic"}, "'magic' is not read"),
    "whitening": ({"normalize_activations": "covariance_whitening"}, "not a readable safetensors"),
    "threshold": ({"architecture": "jumprelu"}, "no threshold among its tensors"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_that_makes_no_sense_is_refused_in_one_line(
    tmp_path: Path, make: Make, name: str
) -> None:
    config, says = CONFIGS[name]
    write_checkpoint(tmp_path / "out", "saelens", make(), {})
    (tmp_path / "out" / "cfg.json").write_text(json.dumps(config))
    with pytest.raises(StoreError, match=says) as raised:
        read_checkpoint(tmp_path / "out")
    assert "\n" not in str(raised.value)


def test_a_config_that_is_no_object_is_refused(tmp_path: Path, make: Make) -> None:
    write_checkpoint(tmp_path / "out", "saelens", make(), {})
    (tmp_path / "out" / "cfg.json").write_text("[" * 100_000)
    with pytest.raises(StoreError, match="no readable JSON"):
        read_checkpoint(tmp_path / "out")


@pytest.mark.parametrize("there", ["pipe", "endless", "too large"])
def test_a_config_that_is_no_file_of_moderate_size_is_not_read(
    tmp_path: Path, make: Make, there: str
) -> None:
    write_checkpoint(tmp_path / "out", "saelens", make(), {})
    path = tmp_path / "out" / "cfg.json"
    path.unlink()
    if there == "pipe":
        os.mkfifo(path)
    elif there == "endless":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(2**40)
    says = "larger than 16777216 bytes" if there == "too large" else "no such file"
    with pytest.raises(StoreError, match=rf"cfg\.json: {says}"):
        read_checkpoint(tmp_path / "out")


@pytest.mark.parametrize("trainer", [[1], "AutoEncoderTopK", 3])
def test_a_trainer_that_is_no_object_is_refused(
    tmp_path: Path, make: Make, trainer: object
) -> None:
    write_checkpoint(tmp_path / "out", "dictionary-learning", make("topk"), {})
    (tmp_path / "out" / "config.json").write_text(json.dumps({"trainer": trainer}))
    with pytest.raises(StoreError, match="trainer must be a JSON object, not "):
        read_checkpoint(tmp_path / "out")


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ([1], "its first line must be a JSON object"),
        ({"schema": 5, "cfg": None}, "its header has no cfg"),
        ({"schema": 5, "cfg": [1]}, "cfg must be a JSON object"),
        ({"schema": 5, "cfg": {"activation": "TopK"}}, "activation must be a JSON object"),
    ],
)
def test_a_header_of_saev_that_makes_no_sense_is_refused(
    tmp_path: Path, make: Make, header: object, says: str
) -> None:
    write_checkpoint(tmp_path / "out", "saev", make(), {})
    path = tmp_path / "out" / "sae.pt"
    _, _, zipped = path.read_bytes().partition(b"\n")
    path.write_bytes(json.dumps(header).encode() + b"\n" + zipped)
    with pytest.raises(StoreError, match=says):
        read_checkpoint(path.parent)


def test_a_topk_without_its_config_is_not_guessed(tmp_path: Path, make: Make) -> None:
    write_checkpoint(tmp_path / "out", "dictionary-learning", make("topk"), {})
    (tmp_path / "out" / "config.json").unlink()
    with pytest.raises(StoreError, match="cannot be told from"):
        read_checkpoint(tmp_path / "out")


def test_the_number_of_latents_must_be_the_declared_one(tmp_path: Path, make: Make) -> None:
    write_checkpoint(tmp_path / "out", "sparsify", make("topk"), {})
    config = json.loads((tmp_path / "out" / "cfg.json").read_text())
    for declared, says in (
        ({"num_latents": 13}, r"says 13 latents, sae\.safetensors holds 12"),
        ({"num_latents": "12"}, "num_latents must be a whole number from 1, not '12'"),
        ({"expansion_factor": "2"}, "expansion_factor must be a whole number from 1, not '2'"),
    ):
        (tmp_path / "out" / "cfg.json").write_text(json.dumps({**config, **declared}))
        with pytest.raises(StoreError, match=says):
            read_checkpoint(tmp_path / "out")


def test_weights_without_their_config_are_told_so(tmp_path: Path, make: Make) -> None:
    for name in ("saelens", "sparsify"):
        write_checkpoint(tmp_path / name, name, make("topk"), {})
        (tmp_path / name / "cfg.json").unlink()
        with pytest.raises(StoreError, match=r"/cfg\.json: no such file, and it says"):
            read_checkpoint(tmp_path / name)
