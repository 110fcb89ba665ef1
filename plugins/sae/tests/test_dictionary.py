"""The record of a sparse autoencoder: what it computes, refuses and keeps."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
import torch
from torch import Tensor

from traits_core import ConfigError, StoreError, save_tensors
from traits_plugin_sae.activations import Activation, Gated, GroupMax, JumpRelu, Relu, TopK
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.row_norms import RowNorm
from traits_plugin_sae.scorer import SaeScorer

D, S = 6, 12


def _normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


ACTIVATIONS: tuple[Activation, ...] = (
    Relu(),
    TopK(3),
    TopK(9, signed=True),
    JumpRelu(_normal(S, seed=7)),
    Gated(
        gate_bias_s=_normal(S, seed=8),
        magnitude_bias_s=_normal(S, seed=9),
        log_magnitude_s=_normal(S, seed=10),
    ),
    GroupMax(4),
)


def _dictionary(activation: Activation) -> Dictionary:
    return Dictionary(
        encoder_ds=_normal(D, S, seed=1),
        encoder_bias_s=_normal(S, seed=2),
        decoder_sd=_normal(S, D, seed=3),
        decoder_bias_d=_normal(D, seed=4),
        activation=activation,
    )


every_activation = pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.name)


def _direct(activation: Activation, pre: float, row: list[float], s: int) -> float:
    """One latent by its definition, in Python."""
    import math

    if isinstance(activation, TopK):
        kept = pre if activation.signed else max(pre, 0.0)
        return kept if sorted(row, reverse=True).index(pre) < activation.k else 0.0
    if isinstance(activation, JumpRelu):
        return pre if pre > max(float(activation.threshold_s[s]), 0.0) else 0.0
    if isinstance(activation, Gated):
        magnitude = pre * math.exp(activation.log_magnitude_s[s]) + float(
            activation.magnitude_bias_s[s]
        )
        return max(magnitude, 0.0) if pre + float(activation.gate_bias_s[s]) > 0 else 0.0
    if isinstance(activation, GroupMax):
        size = S // activation.k
        group = row[s // size * size : (s // size + 1) * size]
        return max(pre, 0.0) if pre == max(group) else 0.0
    return max(pre, 0.0)


@every_activation
def test_latents_are_those_of_the_definition(activation: Activation) -> None:
    pre_bs = _normal(20, S, seed=5)
    direct = [
        [_direct(activation, pre, row, s) for s, pre in enumerate(row)] for row in pre_bs.tolist()
    ]
    torch.testing.assert_close(activation(pre_bs), torch.tensor(direct), rtol=1e-6, atol=1e-6)


@every_activation
@pytest.mark.parametrize("rows", [0, 1, 20])
def test_sparse_latents_are_the_dense_ones(activation: Activation, rows: int) -> None:
    dictionary = _dictionary(activation)
    acts_bd = _normal(rows, D, seed=6)
    values_bj, indices_bj = dictionary.encode_sparse(acts_bd)
    assert values_bj.dtype == torch.float32
    assert indices_bj.dtype == torch.int64
    latents_bs = torch.zeros(rows, S)
    for row, (values, indices) in enumerate(zip(values_bj, indices_bj, strict=True)):
        assert len(set(indices.tolist())) == len(indices)
        latents_bs[row, indices] = values
    assert torch.equal(latents_bs, dictionary.encode(acts_bd))
    torch.testing.assert_close(
        dictionary.decode_sparse(values_bj, indices_bj), dictionary.decode(latents_bs)
    )


@every_activation
def test_a_batch_without_a_positive_latent_is_all_zero_unless_signed(
    activation: Activation,
) -> None:
    latents_bs = activation(torch.full((3, S), -100.0))
    values_bj, _ = activation.sparse(torch.full((3, S), -100.0))
    signed = isinstance(activation, TopK) and activation.signed
    assert bool(latents_bs.any()) == bool(values_bj.any()) == signed


@every_activation
@pytest.mark.parametrize("row_norm", RowNorm)
def test_what_is_saved_loads_equal(
    activation: Activation, row_norm: RowNorm, tmp_path: Path
) -> None:
    dictionary = attrs.evolve(
        _dictionary(activation), row_norm=row_norm, skip_dd=_normal(D, D), subtracts_bias=False
    )
    dictionary.save(tmp_path / "dictionary.safetensors")
    loaded = Dictionary.load(tmp_path / "dictionary.safetensors")
    acts_bd = _normal(9, D, seed=6)
    assert torch.equal(loaded.encode(acts_bd), dictionary.encode(acts_bd))
    assert torch.equal(loaded.reconstruct(acts_bd), dictionary.reconstruct(acts_bd))


def test_a_layer_norm_is_undone_in_the_reconstruction() -> None:
    identity = Dictionary(
        encoder_ds=torch.cat([torch.eye(D), -torch.eye(D)], dim=1),
        encoder_bias_s=torch.zeros(2 * D),
        decoder_sd=torch.cat([torch.eye(D), -torch.eye(D)]),
        decoder_bias_d=torch.zeros(D),
        activation=Relu(),
    )
    acts_bd = 5 + 3 * _normal(8, D)
    for row_norm in RowNorm:
        dictionary = attrs.evolve(identity, row_norm=row_norm)
        torch.testing.assert_close(dictionary.reconstruct(acts_bd), acts_bd, rtol=1e-4, atol=1e-4)
    rows_bd, _, _ = RowNorm.LAYER.apply(acts_bd)
    expected_bd = (acts_bd - acts_bd.mean(1, keepdim=True)) / acts_bd.std(1, keepdim=True)
    torch.testing.assert_close(rows_bd, expected_bd, rtol=1e-4, atol=1e-4)
    rows_bd, _, _ = RowNorm.CONSTANT.apply(acts_bd)
    torch.testing.assert_close(rows_bd.norm(dim=1), torch.full((8,), D**0.5))


def test_a_bias_may_move_into_the_gates() -> None:
    gates = ACTIVATIONS[4]
    assert isinstance(gates, Gated)
    pre_bs, bias_s = _normal(20, S, seed=5), _normal(S, seed=11)
    torch.testing.assert_close(gates.shifted(bias_s)(pre_bs), gates(pre_bs + bias_s))


@every_activation
def test_whether_the_bias_is_subtracted_can_change_without_changing_the_function(
    activation: Activation,
) -> None:
    dictionary = _dictionary(activation)
    other = dictionary.subtracting(False)
    assert not other.subtracts_bias
    acts_bd = _normal(9, D, seed=6)
    torch.testing.assert_close(other.encode(acts_bd), dictionary.encode(acts_bd))
    back = other.subtracting(True)
    torch.testing.assert_close(back.encoder_bias_s, dictionary.encoder_bias_s)


@pytest.mark.parametrize(
    "wrong",
    [
        {"encoder_bias_s": torch.zeros(S + 1)},
        {"decoder_sd": torch.zeros(D, S)},
        {"decoder_bias_d": torch.zeros(D, dtype=torch.float64)},
        {"encoder_ds": torch.zeros(D)},
        {"skip_dd": torch.zeros(D, S)},
        {"activation": TopK(S + 1)},
        {"activation": TopK(0)},
        {"activation": GroupMax(5)},
        {"activation": JumpRelu(torch.zeros(S - 1))},
    ],
    ids=lambda wrong: f"{next(iter(wrong))}",
)
def test_shapes_that_do_not_fit_are_refused_in_one_line(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as raised:
        attrs.evolve(_dictionary(Relu()), **wrong)
    assert "\n" not in str(raised.value)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_tensors(path, {"weights": torch.zeros(3)}, {"scorer": "kmeans"})
    with pytest.raises(StoreError, match="not a sparse autoencoder"):
        Dictionary.load(path)
    save_tensors(path, {"weights": torch.zeros(3)}, {"dictionary": "sae", "version": 1})
    with pytest.raises(StoreError, match="damaged"):
        Dictionary.load(path)


@pytest.mark.parametrize("subtracts", [True, False])
def test_the_affine_form_is_the_dictionary_without_its_activation_function(
    subtracts: bool,
) -> None:
    dictionary = attrs.evolve(_dictionary(Relu()), subtracts_bias=subtracts)
    acts_bd, parts = _normal(20, D), SaeScorer(dictionary).affine()
    latents_bk = (acts_bd - parts.shift_d) @ parts.encoder_dk + parts.bias_k
    torch.testing.assert_close(latents_bk, dictionary.pre_activations(acts_bd))
    decoded_bd = latents_bk.relu() @ parts.decoder_kd + parts.shift_d
    torch.testing.assert_close(decoded_bd, dictionary.reconstruct(acts_bd))


@pytest.mark.parametrize(
    "other",
    [{"row_norm": RowNorm.LAYER}, {"row_norm": RowNorm.CONSTANT}, {"skip_dd": torch.eye(D)}],
    ids=["layer", "constant", "skip"],
)
def test_what_is_no_affine_map_and_back_has_no_affine_form(other: dict[str, object]) -> None:
    scorer = SaeScorer(attrs.evolve(_dictionary(Relu()), **other))
    with pytest.raises(ConfigError, match="no affine form"):
        scorer.affine()
