"""Shapes of files that are older, or rarer, than the fixtures: each computes its formula."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from traits_plugin_sae.activations import GroupMax, JumpRelu, Relu, TopK
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.formats import read_checkpoint
from traits_plugin_sae.row_norms import RowNorm

Make = Callable[..., Dictionary]


def _same(found: Dictionary, expected: Dictionary, acts_bd: Tensor) -> None:
    torch.testing.assert_close(found.encode(acts_bd), expected.encode(acts_bd))
    torch.testing.assert_close(found.reconstruct(acts_bd), expected.reconstruct(acts_bd))


def _saelens(root: Path, config: dict[str, Any], dictionary: Dictionary, **more: Tensor) -> Path:
    tensors = {
        "W_enc": dictionary.encoder_ds,
        "b_enc": dictionary.encoder_bias_s,
        "W_dec": dictionary.decoder_sd,
        "b_dec": dictionary.decoder_bias_d,
        **more,
    }
    save_file(tensors, root / "sae_weights.safetensors")
    (root / "cfg.json").write_text(json.dumps({"d_in": 6, "d_sae": 12, **config}))
    return root


def test_saelens_before_6_called_a_topk_standard(
    tmp_path: Path, make: Make, acts_bd: Tensor
) -> None:
    config = {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 3}, "hook_point": "x"}
    root = _saelens(tmp_path, config, make("topk"))
    _same(read_checkpoint(root).dictionary, make("topk"), acts_bd)


def test_saelens_without_an_architecture_is_standard(
    tmp_path: Path, make: Make, acts_bd: Tensor
) -> None:
    root = _saelens(tmp_path, {"normalize_activations": False}, make())
    _same(read_checkpoint(root).dictionary, make(), acts_bd)


def test_saelens_trained_thresholds_as_logarithms(
    tmp_path: Path, make: Make, acts_bd: Tensor
) -> None:
    expected = make("jumprelu")
    logs_s = expected.activation.threshold_s.log()
    root = _saelens(tmp_path, {"architecture": "jumprelu"}, expected, log_threshold=logs_s)
    _same(read_checkpoint(root).dictionary, expected, acts_bd)


@pytest.mark.parametrize("row_norm", [RowNorm.LAYER, RowNorm.CONSTANT])
def test_saelens_may_normalise_each_row(
    tmp_path: Path, make: Make, acts_bd: Tensor, row_norm: RowNorm
) -> None:
    config = {"architecture": "standard", "normalize_activations": row_norm.value}
    root = _saelens(tmp_path, config, make())
    rows_bd, scale_b1, shift_b1 = row_norm.apply(acts_bd)
    plain, found = make(), read_checkpoint(root).dictionary
    torch.testing.assert_close(found.encode(acts_bd), plain.encode(rows_bd))
    expected_bd = plain.reconstruct(rows_bd) * scale_b1 + shift_b1
    torch.testing.assert_close(found.reconstruct(acts_bd), expected_bd)


def test_saelens_may_rank_by_the_norm_of_the_decoder(
    tmp_path: Path, make: Make, acts_bd: Tensor
) -> None:
    config = {"architecture": "topk", "k": 3, "rescale_acts_by_decoder_norm": True}
    dictionary = make("topk")
    found = read_checkpoint(_saelens(tmp_path, config, dictionary)).dictionary
    norm_s = dictionary.decoder_sd.norm(dim=1)
    latents_bs = TopK(3)(dictionary.pre_activations(acts_bd) * norm_s)
    torch.testing.assert_close(found.encode(acts_bd), latents_bs)
    torch.testing.assert_close(found.reconstruct(acts_bd), dictionary.decode(latents_bs / norm_s))


def test_saelens_keeps_the_scale_of_training_apart(
    tmp_path: Path, make: Make, acts_bd: Tensor
) -> None:
    config = {"architecture": "standard", "normalize_activations": "expected_average_only_in"}
    root = _saelens(tmp_path, config, make())
    unscaled = read_checkpoint(root)
    assert "mean norm is sqrt(d_model)" in unscaled.notes[0]
    _same(unscaled.dictionary, make(), acts_bd)
    (root / "activation_scaler.json").write_text('{"scaling_factor": 2.5}')
    found = read_checkpoint(root)
    assert "2.5" in found.notes[0]
    torch.testing.assert_close(found.dictionary.encode(acts_bd), make().encode(2.5 * acts_bd))
    torch.testing.assert_close(
        found.dictionary.reconstruct(acts_bd), make().reconstruct(2.5 * acts_bd) / 2.5
    )


@pytest.mark.parametrize("subtracts", [True, False])
def test_saelens_whitening_is_folded_in(
    tmp_path: Path, make: Make, acts_bd: Tensor, subtracts: bool
) -> None:
    config = {
        "architecture": "standard",
        "normalize_activations": "covariance_whitening",
        "apply_b_dec_to_input": subtracts,
    }
    root = _saelens(tmp_path, config, make())
    generator = torch.Generator().manual_seed(20)
    matrix_dd = torch.eye(6) + 0.2 * torch.randn(6, 6, generator=generator)
    mean_d, inverse_dd = torch.linspace(1, 2, 6), torch.linalg.inv(matrix_dd).contiguous()
    tensors = {"mean": mean_d, "matrix": matrix_dd, "inverse_matrix": inverse_dd}
    save_file(tensors, root / "activation_whitening.safetensors")
    found, plain = read_checkpoint(root).dictionary, make(subtracts_bias=subtracts)
    white_bd = (acts_bd - mean_d) @ matrix_dd
    torch.testing.assert_close(found.encode(acts_bd), plain.encode(white_bd), rtol=1e-4, atol=1e-5)
    expected_bd = plain.reconstruct(white_bd) @ inverse_dd + mean_d
    torch.testing.assert_close(found.reconstruct(acts_bd), expected_bd, rtol=1e-4, atol=1e-5)


def _linear(dictionary: Dictionary, bias: str) -> dict[str, Tensor]:
    return {
        bias: dictionary.decoder_bias_d,
        "encoder.weight": dictionary.encoder_ds.T,
        "encoder.bias": dictionary.encoder_bias_s,
        "decoder.weight": dictionary.decoder_sd.T,
    }


def _ae(root: Path, tensors: dict[str, Tensor], kind: str | None = None) -> Path:
    torch.save(tensors, root / "ae.pt")
    if kind:
        (root / "config.json").write_text(json.dumps({"trainer": {"dict_class": kind, "k": 3}}))
    return root


def test_dictionary_learning_normalises_the_decoder_of_an_autoencoder(
    tmp_path: Path, make: Make, acts_bd: Tensor
) -> None:
    root = _ae(tmp_path, _linear(make(), "bias"))
    found, norm_s = read_checkpoint(root).dictionary, make().decoder_sd.norm(dim=1)
    torch.testing.assert_close(found.encode(acts_bd), make().encode(acts_bd) * norm_s)
    torch.testing.assert_close(found.reconstruct(acts_bd), make().reconstruct(acts_bd))


@pytest.mark.parametrize("kind", [None, "AutoEncoderNew"])
def test_dictionary_learning_new_autoencoders_subtract_nothing(
    tmp_path: Path, make: Make, acts_bd: Tensor, kind: str | None
) -> None:
    root = _ae(tmp_path, _linear(make(), "decoder.bias"), kind)
    _same(read_checkpoint(root).dictionary, make(subtracts_bias=False), acts_bd)


@pytest.mark.parametrize("bias", ["b_dec", "bias"])
@pytest.mark.parametrize("with_k", [True, False])
def test_dictionary_learning_topk_of_any_age(
    tmp_path: Path, make: Make, acts_bd: Tensor, bias: str, with_k: bool
) -> None:
    tensors = _linear(make(), bias) | ({"k": torch.tensor(3)} if with_k else {})
    root = _ae(tmp_path, tensors, "AutoEncoderTopK")
    _same(read_checkpoint(root).dictionary, make("topk"), acts_bd)


def test_dictionary_learning_gated(tmp_path: Path, make: Make, acts_bd: Tensor) -> None:
    expected = make("gated", encoder_bias_s=torch.zeros(12))
    gates = expected.activation
    tensors = _linear(expected, "decoder_bias")
    del tensors["encoder.bias"]
    tensors |= {"gate_bias": gates.gate_bias_s, "mag_bias": gates.magnitude_bias_s}
    root = _ae(tmp_path, tensors | {"r_mag": gates.log_magnitude_s})
    _same(read_checkpoint(root).dictionary, expected, acts_bd)


def _rows(dictionary: Dictionary, **more: Tensor) -> dict[str, Tensor]:
    return {
        "W_enc": dictionary.encoder_ds,
        "b_enc": dictionary.encoder_bias_s,
        "W_dec": dictionary.decoder_sd,
        "b_dec": dictionary.decoder_bias_d,
        **more,
    }


def test_dictionary_learning_jumprelu_subtracts_nothing(
    tmp_path: Path, make: Make, acts_bd: Tensor
) -> None:
    expected = make("jumprelu", subtracts_bias=False)
    root = _ae(tmp_path, _rows(expected, threshold=expected.activation.threshold_s))
    _same(read_checkpoint(root).dictionary, expected, acts_bd)


def test_dictionary_learning_matryoshka(tmp_path: Path, make: Make, acts_bd: Tensor) -> None:
    expected = make("one threshold")
    more = {"k": torch.tensor(3), "threshold": torch.tensor(0.4), "group_sizes": torch.tensor([12])}
    root = _ae(tmp_path, _rows(expected, **more))
    _same(read_checkpoint(root).dictionary, expected, acts_bd)


def test_dictionary_learning_threshold_that_was_never_tracked_keeps_all(
    tmp_path: Path, make: Make, acts_bd: Tensor
) -> None:
    more = {"k": torch.tensor(3), "threshold": torch.tensor(-1.0)}
    root = _ae(tmp_path, _linear(make(), "b_dec") | more, "BatchTopKSAE")
    found = read_checkpoint(root)
    assert found.dictionary.activation == Relu()
    assert "never tracked" in found.notes[0]
    _same(found.dictionary, make(), acts_bd)


def _sparsify(root: Path, dictionary: Dictionary, **config: Any) -> Path:
    tensors = {
        "encoder.weight": dictionary.encoder_ds.T.contiguous(),
        "encoder.bias": dictionary.encoder_bias_s,
        "W_dec": dictionary.decoder_sd,
        "b_dec": dictionary.decoder_bias_d,
    }
    if dictionary.skip_dd is not None:
        tensors["W_skip"] = dictionary.skip_dd.T.contiguous()
    save_file(tensors, root / "sae.safetensors")
    facts = {"expansion_factor": 2, "num_latents": 0, "k": 4, "d_in": 6, **config}
    (root / "cfg.json").write_text(json.dumps(facts))
    return root


@pytest.mark.parametrize("latents", [0, 12])
@pytest.mark.parametrize(("kind", "activation"), [("topk", TopK(4)), ("groupmax", GroupMax(4))])
def test_sparsify_counts_latents_in_two_ways(
    tmp_path: Path, make: Make, acts_bd: Tensor, latents: int, kind: str, activation: Any
) -> None:
    expected = make(activation=activation)
    root = _sparsify(tmp_path, expected, num_latents=latents, activation=kind)
    _same(read_checkpoint(root).dictionary, expected, acts_bd)


def test_sparsify_skips_and_transcodes(tmp_path: Path, make: Make, acts_bd: Tensor) -> None:
    skip_dd = torch.arange(36.0).reshape(6, 6) / 36
    expected = make(activation=TopK(4), skip_dd=skip_dd, subtracts_bias=False)
    root = _sparsify(tmp_path, expected, skip_connection=True, transcode=True)
    found = read_checkpoint(root).dictionary
    _same(found, expected, acts_bd)
    plain = attrs.evolve(expected, skip_dd=None).reconstruct(acts_bd)
    torch.testing.assert_close(found.reconstruct(acts_bd), plain + acts_bd @ skip_dd)


def test_gemma_scope_in_lower_case_and_in_safetensors(
    tmp_path: Path, make: Make, acts_bd: Tensor
) -> None:
    expected = make("jumprelu", subtracts_bias=False)
    tensors = _rows(expected, threshold=expected.activation.threshold_s)
    lower = {name.replace("W_", "w_"): tensor for name, tensor in tensors.items()}
    (tmp_path / "one").mkdir()
    np.savez(tmp_path / "one" / "params.npz", **{name: t.numpy() for name, t in lower.items()})
    (tmp_path / "two").mkdir()
    save_file(lower, tmp_path / "two" / "params.safetensors")
    for place in ("one", "one/params.npz", "two", "two/params.safetensors"):
        _same(read_checkpoint(tmp_path / place).dictionary, expected, acts_bd)


def test_gemma_scope_of_embeddings_is_scaled(tmp_path: Path, make: Make, acts_bd: Tensor) -> None:
    expected = make("jumprelu", subtracts_bias=False)
    tensors = _rows(expected, threshold=expected.activation.threshold_s)
    root = tmp_path / "embedding" / "width_12" / "average_l0_6"
    root.mkdir(parents=True)
    np.savez(root / "params.npz", **{name: tensor.numpy() for name, tensor in tensors.items()})
    found = read_checkpoint(root)
    scaled_bd = acts_bd / 6**0.5
    torch.testing.assert_close(found.dictionary.encode(acts_bd), expected.encode(scaled_bd))
    assert found.source["path"] == "embedding/width_12/average_l0_6"
    assert len(found.notes) == 1


SAEV = {
    "flat": ({"d_vit": 6, "exp_factor": 2, "l1_coeff": 1e-4, "ghost_grads": False}, Relu()),
    "schema 1, named": ({"schema": 1, "cls": "TopK", "cfg": {"top_k": 3}}, TopK(3, signed=True)),
    "schema 1, named relu": ({"schema": 1, "cls": "Relu", "cfg": {"d_model": 6}}, Relu()),
    "schema 1, described": (
        {
            "schema": 1,
            "cls": "SparseAutoencoderConfig",
            "cfg": {"activation": {"cls": "TopK", "params": {"top_k": 3, "sparsity": {}}}},
        },
        TopK(3, signed=True),
    ),
    "schema 3": (
        {
            "schema": 3,
            "cfg": {
                "activation": {
                    "cls": "Relu",
                    "params": {"kind": "relu", "sparsity": {"coeff": 0.1}},
                }
            },
        },
        Relu(),
    ),
    "schema 5, batch": (
        {"schema": 5, "cfg": {"activation": {"cls": "BatchTopK", "params": {"top_k": 3}}}},
        JumpRelu(torch.full((12,), 0.4)),
    ),
    "more than there are": (
        {"schema": 5, "cfg": {"activation": {"cls": "TopK", "params": {"top_k": 99}}}},
        TopK(12, signed=True),
    ),
}


@pytest.mark.parametrize("age", SAEV)
def test_saev_headers_of_every_age(tmp_path: Path, make: Make, acts_bd: Tensor, age: str) -> None:
    header, activation = SAEV[age]
    expected = make(activation=activation, subtracts_bias=False)
    with (tmp_path / "sae.pt").open("wb") as file:
        file.write(json.dumps(header).encode() + b"\n")
        torch.save(_rows(expected, **{"activation.threshold": torch.tensor(0.4)}), file)
    _same(read_checkpoint(tmp_path).dictionary, expected, acts_bd)


def test_saev_batch_topk_without_a_threshold_yet_keeps_all(
    tmp_path: Path, make: Make, acts_bd: Tensor
) -> None:
    header, _ = SAEV["schema 5, batch"]
    expected = make(subtracts_bias=False)
    with (tmp_path / "sae.pt").open("wb") as file:
        file.write(json.dumps(header).encode() + b"\n")
        torch.save(_rows(expected, **{"activation.threshold": torch.tensor(0.0)}), file)
    _same(read_checkpoint(tmp_path).dictionary, expected, acts_bd)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_read_as_they_are(
    tmp_path: Path, make: Make, acts_bd: Tensor, dtype: torch.dtype
) -> None:
    tensors = {name: tensor.to(dtype) for name, tensor in _linear(make(), "bias").items()}
    found = read_checkpoint(_ae(tmp_path, tensors, "AutoEncoder")).dictionary
    held = {name: tensor.float() for name, tensor in tensors.items()}
    latents_bs = ((acts_bd - held["bias"]) @ held["encoder.weight"].T + held["encoder.bias"]).relu()
    expected_bd = latents_bs @ held["decoder.weight"].T + held["bias"]
    torch.testing.assert_close(found.reconstruct(acts_bd), expected_bd)
