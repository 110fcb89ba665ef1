import json

import pytest
import torch

from traits_core import DataError
from traits_plugin_sae.activations import TopK
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.metrics.evaluation import evaluate


class Model:
    def __init__(self, dictionary):
        self.sparse, self.reconstruct = dictionary.encode_sparse, dictionary.reconstruct


@pytest.fixture
def dictionary():
    generator = torch.Generator().manual_seed(0)
    decoder_sd = torch.randn(12, 5, generator=generator)
    return Dictionary(
        encoder_ds=decoder_sd.T.contiguous(),
        encoder_bias_s=torch.zeros(12),
        decoder_sd=decoder_sd,
        decoder_bias_d=torch.randn(5, generator=generator),
        activation=TopK(k=3),
    )


def test_batches_do_not_matter_and_the_record_is_plain_json(dictionary):
    acts = torch.randn(90, 5, generator=torch.Generator().manual_seed(1))
    whole, parts = (
        evaluate(Model(dictionary), dictionary.decoder_sd, acts.split(size)) for size in (90, 7)
    )
    flat, again = whole.to_json(), parts.to_json()
    assert flat.pop("log_frequencies") == again.pop("log_frequencies")
    assert again == pytest.approx(flat, rel=1e-6)
    assert json.loads(json.dumps(flat, allow_nan=False)) == flat
    latents = dictionary.encode(acts)
    assert flat["l0"] == pytest.approx((latents > 1e-8).sum(dim=1).double().mean().item())
    errors = dictionary.reconstruct(acts) - acts
    assert flat["mse"] == pytest.approx(errors.square().mean().item(), rel=1e-5)
    assert flat["rows"] == 90
    assert flat["correlated_latents"] == 12


def test_nothing_to_evaluate_on_is_refused(dictionary):
    with pytest.raises(DataError, match="no activations"):
        evaluate(Model(dictionary), dictionary.decoder_sd, [])
