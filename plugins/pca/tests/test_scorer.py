import pytest
import torch
from sklearn import decomposition

from traits_core import ConfigError, StoreError, save_tensors
from traits_plugin_pca.scorer import PCAScorer

CPU = torch.device("cpu")


@pytest.fixture
def rows_nd(spread_rows):
    return spread_rows(n=1500, decay=2.0, mean=20.0)


@pytest.fixture
def scorer_of(learner, fit, rows_nd):
    def build(**options):
        method = learner(24, n_components=6, **options)
        fit(method, rows_nd)
        return method.scorer()

    return build


def test_whitened_scores_are_uncorrelated_with_variance_one(scorer_of, rows_nd):
    scores_nk = scorer_of(whiten=True, epsilon=0.0)(rows_nd).double()
    torch.testing.assert_close(
        torch.cov(scores_nk.T), torch.eye(6, dtype=torch.float64), rtol=0, atol=1e-5
    )
    theirs = decomposition.PCA(6, svd_solver="full", whiten=True).fit(rows_nd.double().numpy())
    expected_nk = torch.from_numpy(theirs.transform(rows_nd.double()))
    torch.testing.assert_close(scores_nk, expected_nk, rtol=0, atol=2e-4)


def test_epsilon_bounds_what_whitening_amplifies(scorer_of, rows_nd):
    scorer = scorer_of(whiten=True, epsilon=0.25)
    variances_k = scorer.spectrum.variances_j[:6]
    expected_k = variances_k / (variances_k + 0.25 * variances_k[0])
    torch.testing.assert_close(scorer(rows_nd).double().var(dim=0), expected_k, rtol=1e-4, atol=0)


def test_split_scores_are_the_signed_ones_and_their_opposites(scorer_of, rows_nd):
    signed_nk, split_nk = scorer_of()(rows_nd), scorer_of(signs="split")(rows_nd)
    assert torch.equal(split_nk, torch.cat([signed_nk, -signed_nk], dim=1))
    assert scorer_of(signs="split").n_prototypes == 12


def test_the_maximum_of_split_scores_sees_both_signs(scorer_of, rows_nd):
    highest_k = scorer_of(signs="split")(rows_nd).amax(dim=0)
    signed_nk = scorer_of()(rows_nd)
    assert torch.equal(torch.maximum(highest_k[:6], highest_k[6:]), signed_nk.abs().amax(dim=0))


@pytest.mark.parametrize("options", [{}, {"whiten": True}, {"signs": "split"}])
def test_the_residual_is_the_squared_error_of_the_reconstruction(scorer_of, rows_nd, options):
    scorer = scorer_of(residual=True, **options)
    plain = scorer_of(**options)
    scores_nk = scorer(rows_nd)
    assert scores_nk.shape[1] == scorer.n_prototypes == plain.n_prototypes + 1
    assert torch.equal(scores_nk[:, :-1], plain(rows_nd))
    theirs = decomposition.PCA(6, svd_solver="full").fit(rows_nd.double().numpy())
    restored_nd = theirs.inverse_transform(theirs.transform(rows_nd.double()))
    errors_n = (rows_nd.double() - torch.from_numpy(restored_nd)).square().sum(dim=1)
    torch.testing.assert_close(scores_nk[:, -1].double(), errors_n, rtol=1e-4, atol=1e-5)
    restored_by_us_nd = plain.reconstruct(rows_nd).double()
    torch.testing.assert_close(restored_by_us_nd, torch.from_numpy(restored_nd), rtol=0, atol=1e-4)


def test_the_mean_residual_is_the_variance_left_out(scorer_of, rows_nd):
    scorer = scorer_of(residual=True)
    mean_error = float(scorer(rows_nd)[:, -1].double().mean()) * 1500 / 1499
    assert mean_error == pytest.approx(18 * scorer.spectrum.noise_variance, rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_activations_of_any_float_dtype_score_as_the_values_held(scorer_of, rows_nd, dtype):
    scorer, held_nd = scorer_of(), rows_nd.to(dtype)
    exact_nk = (held_nd.double() - scorer.mean_d) @ scorer.spectrum.components_kd.double().T
    torch.testing.assert_close(scorer(held_nd).double(), exact_nk, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"whiten": True, "signs": "split", "residual": True}])
def test_saved_and_loaded_it_scores_bit_for_bit_the_same(scorer_of, rows_nd, tmp_path, options):
    scorer = scorer_of(**options)
    scorer.save(tmp_path)
    loaded = PCAScorer.load(tmp_path, CPU)
    assert torch.equal(loaded(rows_nd), scorer(rows_nd))
    assert torch.equal(loaded.reconstruct(rows_nd), scorer.reconstruct(rows_nd))
    assert torch.equal(loaded.spectrum.explained_j, scorer.spectrum.explained_j)
    assert loaded.spectrum.noise_variance == scorer.spectrum.noise_variance


def test_a_scorer_of_another_kind_is_refused(tmp_path):
    save_tensors(tmp_path / "scorer.safetensors", {"x": torch.zeros(1)}, {"scorer": "other"})
    with pytest.raises(StoreError, match="not a PCA scorer"):
        PCAScorer.load(tmp_path, CPU)


@pytest.mark.parametrize("options", [{}, {"whiten": True}, {"signs": "split"}])
def test_the_affine_form_gives_the_scores_and_the_reconstruction(scorer_of, rows_nd, options):
    scorer = scorer_of(**options)
    parts = scorer.affine()
    latents_nk = (rows_nd - parts.shift_d) @ parts.encoder_dk + parts.bias_k
    torch.testing.assert_close(latents_nk, scorer(rows_nd), rtol=1e-4, atol=1e-4)
    kept_nk = latents_nk.relu() if "signs" in options else latents_nk
    rebuilt_nd = kept_nk @ parts.decoder_kd + parts.shift_d
    torch.testing.assert_close(rebuilt_nd, scorer.reconstruct(rows_nd), rtol=1e-4, atol=1e-4)


def test_the_residual_has_no_affine_form(scorer_of):
    with pytest.raises(ConfigError, match="no affine form"):
        scorer_of(residual=True).affine()
