import pytest
import torch

from traits_core import StoreError, save_tensors
from traits_plugin_random.scorer import DotScorer

CPU = torch.device("cpu")


@pytest.fixture(params=["raw", "shifted"])
def scorer(request):
    prototypes_kd = torch.randn(37, 24, generator=torch.Generator().manual_seed(1))
    return DotScorer(
        prototypes_kd, torch.linspace(-1, 1, 24) if request.param == "shifted" else None
    )


@pytest.fixture
def acts_bd():
    return torch.randn(50, 24, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_scores_are_dot_products_of_the_values_held(scorer, acts_bd, dtype):
    held_bd = acts_bd.to(dtype)
    scores_bk = scorer(held_bd)
    assert scores_bk.dtype == torch.float32
    shifted_bd = held_bd.double() - (0 if scorer.shift_d is None else scorer.shift_d)
    exact_bk = shifted_bd @ scorer.prototypes_kd.double().T
    torch.testing.assert_close(scores_bk.double(), exact_bk, rtol=1e-5, atol=1e-5)


def test_a_row_scores_the_same_alone_and_in_a_batch(scorer, acts_bd):
    alone_bk = torch.cat([scorer(acts_bd[i : i + 1]) for i in range(len(acts_bd))])
    torch.testing.assert_close(scorer(acts_bd), alone_bk, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("width", [1, 10, 37, 100])
def test_blocks_are_dot_products_with_the_prototypes_of_each(scorer, acts_bd, width):
    shifted_bd = acts_bd.double() - (0 if scorer.shift_d is None else scorer.shift_d)
    blocks = scorer.blocks(acts_bd, width)
    for prototypes_wd in scorer.prototypes_kd.double().split(width):
        exact_bw = shifted_bd @ prototypes_wd.T
        torch.testing.assert_close(next(blocks).double(), exact_bw, rtol=1e-5, atol=1e-5)
    assert next(blocks, None) is None


def test_no_rows_give_no_scores(scorer):
    assert scorer(torch.zeros(0, 24)).shape == (0, scorer.n_prototypes)


def test_the_input_is_not_written_to_and_no_gradient_is_kept(scorer, acts_bd):
    before = acts_bd.clone()
    assert not scorer(acts_bd.requires_grad_()).requires_grad
    assert torch.equal(acts_bd, before)


def test_saved_and_loaded_it_scores_bit_for_bit_the_same(scorer, acts_bd, tmp_path):
    scorer.save(tmp_path)
    assert torch.equal(DotScorer.load(tmp_path, CPU)(acts_bd), scorer(acts_bd))


def test_a_scorer_of_another_kind_is_refused(tmp_path):
    save_tensors(tmp_path / "scorer.safetensors", {"x": torch.zeros(1)}, {"scorer": "other"})
    with pytest.raises(StoreError, match="not a scorer of random prototypes"):
        DotScorer.load(tmp_path, CPU)


def test_the_affine_form_gives_the_scores(scorer, acts_bd):
    parts = scorer.affine()
    latents_bk = (acts_bd - parts.shift_d) @ parts.encoder_dk + parts.bias_k
    torch.testing.assert_close(latents_bk, scorer(acts_bd), rtol=1e-5, atol=1e-5)
    assert torch.equal(parts.decoder_kd, scorer.prototypes_kd)
