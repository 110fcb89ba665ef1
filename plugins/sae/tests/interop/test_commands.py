"""`traits sae`: from a checkpoint to a scorer and back, and to a method that has nothing to learn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from traits_core import (
    ConfigError,
    DataError,
    FeatureSpec,
    NullComm,
    StoreError,
    TraitsError,
    load_registry,
    load_scorer,
    save_scorer,
    save_tensors,
)
from traits_plugin_sae.commands import app
from traits_plugin_sae.config import SaeConfig
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.formats import FORMATS, read_checkpoint, write_checkpoint
from traits_plugin_sae.pretrained import make_method
from traits_plugin_sae.scorer import SaeScorer

Make = Callable[..., Dictionary]
CPU = torch.device("cpu")
FEATURE = FeatureSpec(
    backbone="b",
    checkpoint="c",
    layer="7",
    d_model=6,
    position="token",
    grid=None,
    preprocessing="",
)


def traits_sae(*words: object) -> str:
    """Run `traits sae WORDS...`; what a user can mend is raised."""
    ended = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(ended.exception, TraitsError):
        raise ended.exception
    assert ended.exit_code == 0, ended.output
    return ended.stdout


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Activations of 6 dimensions, as a chunk of tokens."""
    chunk = tmp_path / "acts" / "chunks" / "chunk_0000.npz"
    chunk.parent.mkdir(parents=True)
    np.savez(
        chunk,
        activations=np.ones((2, 3, 6), np.float32),
        attention_mask=np.ones((2, 3), np.int64),
    )
    return tmp_path / "acts"


@pytest.fixture
def checkpoint(tmp_path: Path, make: Make) -> Path:
    """A checkpoint of SAELens."""
    write_checkpoint(tmp_path / "theirs", "saelens", make("topk"), {})
    return tmp_path / "theirs"


@pytest.mark.parametrize("name", ["saelens", "dictionary-learning", "sparsify", "saev"])
def test_a_scorer_is_exported_with_where_it_comes_from(
    tmp_path: Path, make: Make, acts_bd: Tensor, name: str
) -> None:
    save_scorer(tmp_path / "scorer", SaeScorer(make("topk")), "sae", FEATURE)
    told = traits_sae("export", tmp_path / "scorer", tmp_path / "out", "--format", name, "--json")
    assert json.loads(told)["method"] == "sae"
    again = read_checkpoint(tmp_path / "out")
    assert '"layer": "7"' in json.dumps(again.source)
    torch.testing.assert_close(
        again.dictionary.encode(acts_bd).relu(), make("topk").encode(acts_bd)
    )


def test_a_run_is_exported_by_its_scorer(tmp_path: Path, make: Make) -> None:
    save_scorer(tmp_path / "run" / "scorer", SaeScorer(make()), "sae", FEATURE)
    (tmp_path / "run" / "run.json").write_text("{}")
    traits_sae("export", tmp_path / "run", tmp_path / "out", "--format", "gemma-scope")
    assert (tmp_path / "out" / "params.npz").is_file()


def test_an_imported_checkpoint_is_a_scorer_of_the_activations_that_were_named(
    tmp_path: Path, make: Make, store: Path, checkpoint: Path, acts_bd: Tensor
) -> None:
    told = traits_sae("import", checkpoint, "--to", tmp_path / "mine", "--activations", store)
    assert "12 latents of 6 dimensions, topk" in told
    scorer, facts = load_scorer(tmp_path / "mine", load_registry(), CPU)
    assert (facts.method, facts.n_prototypes, facts.feature.d_model) == ("sae", 12, 6)
    torch.testing.assert_close(scorer(acts_bd), make("topk").encode(acts_bd))


def test_what_does_not_fit_the_activations_is_refused(
    tmp_path: Path, store: Path, checkpoint: Path
) -> None:
    small = tmp_path / "small"
    one = Dictionary(
        encoder_ds=torch.eye(3),
        encoder_bias_s=torch.zeros(3),
        decoder_sd=torch.eye(3),
        decoder_bias_d=torch.zeros(3),
        activation=read_checkpoint(checkpoint).dictionary.activation,
    )
    write_checkpoint(small, "saelens", one, {})
    with pytest.raises(ConfigError, match="an autoencoder of 3 dimensions"):
        traits_sae("import", small, "--to", tmp_path / "mine", "--activations", store)
    with pytest.raises(StoreError, match="nine"):
        traits_sae(
            *("import", checkpoint, "--to", tmp_path / "mine"),
            *("--activations", store, "--layer", "nine"),
        )
    assert not (tmp_path / "mine").exists()


def test_nothing_is_written_over(tmp_path: Path, store: Path, checkpoint: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    for place in (checkpoint, tmp_path / "link"):
        with pytest.raises(ConfigError, match="is there already"):
            traits_sae("import", checkpoint, "--to", place, "--activations", store)
    (tmp_path / "file").write_text("precious")
    with pytest.raises(StoreError, match=r"cannot make .*/file/mine: Not a directory$"):
        traits_sae("import", checkpoint, "--to", tmp_path / "file/mine", "--activations", store)


@pytest.mark.parametrize("name", FORMATS)
def test_help_names_every_format(name: str) -> None:
    assert name in " ".join(CliRunner().invoke(app, ["export", "--help"]).stdout.split())


def _method(path: Path, d_model: int = 6):  # type: ignore[no-untyped-def]  # whatever the factory makes
    config = SaeConfig(checkpoint=path)
    return make_method(config, d_model=d_model, seed=0, device=CPU, comm=NullComm())


def test_a_checkpoint_runs_as_a_method_that_learns_nothing(
    tmp_path: Path, make: Make, store: Path, checkpoint: Path, acts_bd: Tensor
) -> None:
    traits_sae("import", checkpoint, "--to", tmp_path / "mine", "--activations", store)
    for path in (checkpoint, tmp_path / "mine"):
        method = _method(path)
        method.initialize(acts_bd)
        assert (method.done, method.max_epochs) == (True, 0)
        torch.testing.assert_close(method.scorer()(acts_bd), make("topk").encode(acts_bd))


def test_a_checkpoint_of_another_width_is_refused(checkpoint: Path) -> None:
    with pytest.raises(ConfigError, match="6 dimensions; these activations have 7"):
        _method(checkpoint, d_model=7)


def test_an_imported_scorer_that_was_tampered_with_is_refused(
    tmp_path: Path, make: Make, store: Path, checkpoint: Path
) -> None:
    traits_sae("import", checkpoint, "--to", tmp_path / "mine", "--activations", store)
    path = tmp_path / "mine" / "scorer.safetensors"
    dictionary = make("topk")
    for k in (2.5, True, "3"):
        facts = {**dictionary.facts(), "parameters": {"k": k, "signed": False}}
        save_tensors(path, dictionary.tensors(), facts)
        with pytest.raises(StoreError, match="a damaged sparse autoencoder: "):
            _method(tmp_path / "mine")
    dictionary.encoder_bias_s[3] = torch.nan
    dictionary.save(path)
    with pytest.raises(StoreError, match=r"scorer\.safetensors: NaN in encoder_bias_s$"):
        _method(tmp_path / "mine")


def test_bad_activations_are_refused_though_nothing_is_learned(checkpoint: Path) -> None:
    method = _method(checkpoint)
    for call in (method.initialize, method.update):
        with pytest.raises(DataError):
            call(torch.full((3, 6), torch.nan))


def test_a_run_whose_checkpoint_changed_does_not_go_on(
    tmp_path: Path, make: Make, checkpoint: Path
) -> None:
    state = _method(checkpoint).state_dict()
    _method(checkpoint).load_state_dict(state)
    write_checkpoint(tmp_path / "other", "saelens", make("relu"), {})
    with pytest.raises(StoreError, match="changed since this run began"):
        _method(tmp_path / "other").load_state_dict(state)
