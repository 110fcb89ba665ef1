"""Scorers of other methods, written as sparse autoencoders, score as they did where scores are positive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from traits_core import AffineParts, ConfigError, NormalizedScorer
from traits_core.normalization.maps import Projection, Scaling, UnitNorm
from traits_core.normalization.normalizer import Normalizer, NormalizerFacts
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.formats import read_checkpoint, write_checkpoint
from traits_plugin_sae.interop.scorers import dictionary_of
from traits_plugin_sae.row_norms import RowNorm
from traits_plugin_sae.scorer import SaeScorer

Make = Callable[..., Dictionary]
MAPS = {
    "standardize": Scaling(
        shift_d=torch.linspace(1, 3, 6, dtype=torch.float64), scale_d=torch.linspace(0.5, 2, 6)
    ),
    "zca": Projection(
        shift_d=torch.linspace(1, 3, 6, dtype=torch.float64),
        matrix_de=torch.eye(6) + torch.arange(36.0).reshape(6, 6).cos() / 4,
    ),
    "unit-norm": UnitNorm(),
}


class Directions:
    """Dot products with shifted rows, as a plugin of its own would score."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(3)
        self.directions_kd = torch.randn(5, 6, generator=generator)
        self.shift_d = torch.linspace(-1, 1, 6)

    n_prototypes = 5

    def __call__(self, acts_bd: Tensor) -> Tensor:
        return (acts_bd - self.shift_d) @ self.directions_kd.T

    def affine(self) -> AffineParts:
        return AffineParts(
            encoder_dk=self.directions_kd.T,
            bias_k=torch.zeros(5),
            decoder_kd=self.directions_kd,
            shift_d=self.shift_d,
        )


def _normalized(kind: str, scorer: object) -> NormalizedScorer:
    facts = NormalizerFacts(kind=kind, d_model=6)
    return NormalizedScorer(Normalizer(facts, MAPS[kind]), scorer)  # type: ignore[arg-type]  # duck-typed


@pytest.mark.parametrize("name", ["saelens", "dictionary-learning", "gemma-scope", "saev"])
def test_an_affine_scorer_becomes_a_relu_autoencoder(
    tmp_path: Path, acts_bd: Tensor, name: str
) -> None:
    dictionary, notes = dictionary_of(Directions(), "run")
    assert "negative ones become 0" in notes[0]
    write_checkpoint(tmp_path / "out", name, dictionary, {})
    latents_bs = read_checkpoint(tmp_path / "out").dictionary.encode(acts_bd)
    torch.testing.assert_close(latents_bs, Directions()(acts_bd).relu())


@pytest.mark.parametrize("kind", MAPS)
def test_a_normaliser_before_the_scorer_is_folded_in(acts_bd: Tensor, kind: str) -> None:
    scorer = _normalized(kind, Directions())
    dictionary, _ = dictionary_of(scorer, "run")
    expected_bk = scorer(acts_bd).relu()
    torch.testing.assert_close(dictionary.encode(acts_bd), expected_bk, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", MAPS)
@pytest.mark.parametrize("activation", ["topk", "gated", "jumprelu"])
@pytest.mark.parametrize("subtracts", [True, False])
def test_a_normaliser_before_an_autoencoder_is_folded_in(
    make: Make, acts_bd: Tensor, kind: str, activation: str, subtracts: bool
) -> None:
    scorer = _normalized(kind, SaeScorer(make(activation, subtracts_bias=subtracts)))
    dictionary, notes = dictionary_of(scorer, "run")
    assert notes == ()
    torch.testing.assert_close(dictionary.encode(acts_bd), scorer(acts_bd), rtol=1e-4, atol=1e-5)


def test_the_reconstruction_is_in_the_units_before_the_normaliser(
    make: Make, acts_bd: Tensor
) -> None:
    inner = make()
    scaling = MAPS["standardize"]
    dictionary, _ = dictionary_of(_normalized("standardize", SaeScorer(inner)), "run")
    expected_bd = inner.reconstruct(scaling(acts_bd)) / scaling.scale_d + scaling.shift_d
    torch.testing.assert_close(
        dictionary.reconstruct(acts_bd), expected_bd.float(), rtol=1e-4, atol=1e-4
    )
    norm_b1 = acts_bd.norm(dim=1, keepdim=True)
    dictionary, _ = dictionary_of(_normalized("unit-norm", SaeScorer(inner)), "run")
    expected_bd = inner.reconstruct(acts_bd / norm_b1) * norm_b1
    torch.testing.assert_close(dictionary.reconstruct(acts_bd), expected_bd, rtol=1e-4, atol=1e-4)


def test_two_normalisations_of_a_row_are_refused(make: Make) -> None:
    scorer = _normalized("zca", SaeScorer(make(row_norm=RowNorm.LAYER)))
    with pytest.raises(ConfigError, match="cannot have a normaliser before it"):
        dictionary_of(scorer, "run")


def test_a_scorer_without_an_affine_form_is_refused() -> None:
    with pytest.raises(ConfigError, match="no affine map"):
        dictionary_of(object(), "run")
