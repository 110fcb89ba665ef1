"""The nulls keep the scorer contract, and have learned nothing but mean and scale."""

import pytest
import torch

from traits_core import BlockwiseScorer, DataError
from traits_core.probing.nulls import DirectionScorer, activations_scorer, gaussian_scorer

MAKERS = [gaussian_scorer, activations_scorer]


def sample(rows=50, d_model=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    acts_nd = torch.randn(rows, d_model, generator=generator) * torch.logspace(-3, 3, d_model)
    acts_nd[:, 5] = 0.1  # a constant dimension whose mean is not exact
    return acts_nd + 10


@pytest.mark.parametrize("make", MAKERS)
def test_a_row_scores_the_same_alone_and_in_a_batch(make):
    acts_bd = sample(33)
    scorer = make(sample(), 7, seed=3)
    scores_bk = scorer(acts_bd)
    assert scores_bk.dtype == torch.float32
    assert scores_bk.shape == (33, 7)
    assert scorer.n_prototypes == 7
    alone_bk = torch.cat([scorer(row_d[None]) for row_d in acts_bd])
    torch.testing.assert_close(alone_bk, scores_bk, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("width", "widths"), [(3, [3, 3, 1]), (7, [7]), (20, [7])])
@pytest.mark.parametrize("rows", [33, 0])
def test_blocks_are_the_columns_of_the_scores(make, width, widths, rows):
    acts_bd = sample(33)[:rows]
    scorer = make(sample(), 7, seed=3)
    blocks = list(scorer.blocks(acts_bd, width))
    assert isinstance(scorer, BlockwiseScorer)
    assert [block_bw.shape for block_bw in blocks] == [(rows, w) for w in widths]
    standard_bd = (acts_bd.double() - scorer.mean_d) / scorer.scale_d
    exact_bk = standard_bd @ scorer.directions_kd.double().T
    torch.testing.assert_close(torch.cat(blocks, dim=1).double(), exact_bk, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_float_dtype_is_scored_and_never_written_to(make, dtype):
    acts_bd = sample(9).to(dtype)
    before_bd = acts_bd.clone()
    scorer = make(sample(), 7, seed=3)
    scores_bk = scorer(acts_bd)
    assert torch.equal(acts_bd, before_bd)
    torch.testing.assert_close(scores_bk, scorer(before_bd.float()))
    assert not scores_bk.requires_grad


@pytest.mark.parametrize("make", MAKERS)
def test_what_is_saved_is_what_is_loaded(make, tmp_path):
    scorer = make(sample(), 7, seed=3)
    scorer.save(tmp_path)
    loaded = DirectionScorer.load(tmp_path, torch.device("cpu"))
    assert {path.suffix for path in tmp_path.iterdir()} <= {".safetensors", ".json"}
    assert torch.equal(loaded(sample(9)), scorer(sample(9)))


@pytest.mark.parametrize("make", MAKERS)
def test_the_seed_decides_the_draw(make):
    first, again, other = (make(sample(), 7, seed) for seed in (3, 3, 4))
    assert torch.equal(first.directions_kd, again.directions_kd)
    assert not torch.equal(first.directions_kd, other.directions_kd)


@pytest.mark.parametrize("make", MAKERS)
def test_a_method_that_seeds_its_own_generator_draws_something_else(make):
    scorer = make(sample(), 7, seed=3)
    generator = torch.Generator().manual_seed(3)
    drawn_kd = torch.randn(7, 12, generator=generator, dtype=torch.float64).float()
    rows = torch.randperm(50, generator=torch.Generator().manual_seed(3))[:7]
    standardised_kd = (sample()[rows] - scorer.mean_d) / scorer.scale_d
    for vectors_kd in (drawn_kd, standardised_kd):
        unit_kd = torch.nn.functional.normalize(vectors_kd, dim=1)
        assert (unit_kd - scorer.directions_kd).abs().max() > 0.1


def test_gaussian_directions_are_unit_and_scores_standardised():
    acts_nd = sample(2000)
    scorer = gaussian_scorer(acts_nd, 64, seed=0)
    torch.testing.assert_close(scorer.directions_kd.norm(dim=1), torch.ones(64))
    standard_nd = (acts_nd.double() - acts_nd.double().mean(0)) / acts_nd.double().std(
        0, correction=0
    )
    standard_nd[:, 5] = 0
    expected_nk = standard_nd @ scorer.directions_kd.double().T
    torch.testing.assert_close(scorer(acts_nd).double(), expected_nk, rtol=1e-3, atol=1e-3)


def test_random_activations_are_different_rows_of_the_sample_and_score_themselves_highest():
    acts_nd = sample(50)
    scorer = activations_scorer(acts_nd, 50, seed=0)
    cosines_nk = (
        torch.nn.functional.normalize((acts_nd - scorer.mean_d) / scorer.scale_d)
        @ scorer.directions_kd.T
    )
    assert sorted(cosines_nk.argmax(dim=0).tolist()) == list(range(50))
    torch.testing.assert_close(cosines_nk.amax(dim=0), torch.ones(50))


@pytest.mark.parametrize("make", MAKERS)
def test_a_constant_dimension_is_not_blown_up(make):
    scorer = make(sample(), 7, seed=0)
    assert scorer.scale_d[5] == 1
    assert scorer(sample(9)).isfinite().all()


def test_more_prototypes_than_rows_is_an_error_that_names_both():
    with pytest.raises(DataError, match=r"51 prototypes .* 50 activations"):
        activations_scorer(sample(50), 51, seed=0)
    assert gaussian_scorer(sample(50), 51, seed=0).n_prototypes == 51


def test_an_empty_sample_is_refused():
    with pytest.raises(DataError, match="sample"):
        gaussian_scorer(sample(50)[:0], 3, seed=0)


@pytest.mark.parametrize("make", MAKERS)
def test_another_width_is_refused(make):
    with pytest.raises(DataError, match=r"\(3, 11\)"):
        make(sample(), 7, seed=0)(torch.zeros(3, 11))
    with pytest.raises(DataError, match=r"\(3, 11\)"):
        next(make(sample(), 7, seed=0).blocks(torch.zeros(3, 11), 2))


def test_the_global_generator_is_untouched():
    before = torch.get_rng_state()
    gaussian_scorer(sample(), 7, seed=3)
    activations_scorer(sample(), 7, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
