"""Each kind gives what scikit-learn, or its formula in float64, gives."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler, normalize

from traits_core.config.run_config import RunOptions
from traits_core.errors import DataError
from traits_core.normalization.fit import fit
from traits_core.normalization.normalizer import MAPS

KINDS = tuple(MAPS)


def rows(n=4000, d=6, ratio=0.0, seed=0):
    """Correlated dimensions of different spread; the mean is `ratio` times the largest of these."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(d, d)) * np.geomspace(1, 10, d)
    x = generator.normal(size=(n, d)) @ mixing
    return torch.from_numpy(x + ratio * x.std(0).max()).float()


def wide(rows_nd):
    return rows_nd.double().numpy()


@pytest.mark.parametrize("ratio", [0, 1e3])
def test_center_subtracts_the_mean(fitted, ratio):
    rows_nd = rows(ratio=ratio)
    x = wide(rows_nd)
    np.testing.assert_allclose(
        fitted("center", rows_nd)(rows_nd), x - x.mean(0), rtol=1e-6, atol=1e-5
    )


@pytest.mark.parametrize("ratio", [0, 1e3])
def test_standardize_is_standard_scaler(fitted, ratio):
    rows_nd = rows(ratio=ratio)
    expected = StandardScaler().fit_transform(wide(rows_nd))
    np.testing.assert_allclose(fitted("standardize", rows_nd)(rows_nd), expected, atol=1e-6)


def test_unit_norm_is_normalize(fitted):
    rows_nd = rows()
    rows_nd[5] = 0
    rows_nd[6] = 1e30  # whose square is no float32
    rows_nd[7] = 1e-10
    found = fitted("unit-norm", rows_nd)(rows_nd)
    np.testing.assert_allclose(found, normalize(wide(rows_nd)), atol=1e-7)


@pytest.mark.parametrize("ratio", [0, 1e3])
def test_pca_is_whitened_pca(fitted, ratio):
    rows_nd = rows(ratio=ratio)
    expected = PCA(whiten=True, svd_solver="full").fit_transform(wide(rows_nd))
    expected *= np.sqrt(len(rows_nd) / (len(rows_nd) - 1))  # it divides by n - 1
    np.testing.assert_allclose(fitted("pca", rows_nd)(rows_nd), expected, atol=2e-4)


@pytest.mark.parametrize("ratio", [0, 1e3])
def test_zca_is_the_inverse_square_root_of_the_covariance(fitted, ratio):
    rows_nd = rows(ratio=ratio)
    x = wide(rows_nd)
    variances, vectors = np.linalg.eigh(np.cov(x.T, ddof=0))
    expected = (x - x.mean(0)) @ (vectors / np.sqrt(variances)) @ vectors.T
    np.testing.assert_allclose(fitted("zca", rows_nd)(rows_nd), expected, atol=2e-4)


@pytest.mark.parametrize("kind", ["zca", "pca"])
def test_whitened_rows_have_unit_covariance(fitted, kind):
    rows_nd = rows()
    whitened = wide(fitted(kind, rows_nd)(rows_nd))
    np.testing.assert_allclose(np.cov(whitened.T, ddof=0), np.eye(6), atol=1e-4)


def test_zca_turns_rows_less_than_pca_does(fitted):
    rows_nd = rows()
    standard = fitted("standardize", rows_nd)(rows_nd)
    zca, pca = (fitted(kind, rows_nd)(rows_nd) for kind in ("zca", "pca"))
    assert (zca - standard).square().mean() < (pca - standard).square().mean()


def test_epsilon_shrinks_each_component_by_its_share(fitted):
    rows_nd = rows()
    variances = np.linalg.eigvalsh(np.cov(wide(rows_nd).T, ddof=0))[::-1]
    whitened = wide(fitted("pca", rows_nd, epsilon=0.1)(rows_nd))
    expected = variances / (variances + 0.1 * variances.mean())
    np.testing.assert_allclose(whitened.var(0), expected, rtol=1e-4)


@pytest.mark.parametrize("kind", ["center", "standardize", "zca", "pca"])
def test_constant_dimensions_become_zero(fitted, kind):
    rows_nd = rows()
    rows_nd[:, 2] = 0.1
    rows_nd[:, 4] = 54321.123
    found = fitted(kind, rows_nd, epsilon=1e-3)(rows_nd)
    assert found.isfinite().all()
    if kind == "pca":  # their components come last
        assert found[:, 4:].abs().max() < 1e-3
    else:
        assert found[:, [2, 4]].abs().max() < 1e-3


@pytest.mark.parametrize("kind", ["zca", "pca"])
def test_a_rank_deficient_covariance_does_not_explode(fitted, kind):
    rows_nd = rows()
    rows_nd[:, 5] = rows_nd[:, 0] + rows_nd[:, 1]
    rows_nd[:, 3] = 2 * rows_nd[:, 2]
    found = fitted(kind, rows_nd, epsilon=1e-6)(rows_nd)
    assert found.isfinite().all()
    variances = np.linalg.eigvalsh(np.cov(wide(found).T, ddof=0))
    np.testing.assert_allclose(variances[2:], 1, atol=1e-2)
    np.testing.assert_allclose(variances[:2], 0, atol=1e-2)


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float16, 0.02), (torch.bfloat16, 0.1)])
def test_the_default_epsilon_keeps_the_noise_of_rounding_down(fitted, dtype, limit):
    rows_nd = rows()
    rows_nd[:, 5] = rows_nd[:, 0] + rows_nd[:, 1]
    rows_nd[:, 3] = rows_nd[:, 2]
    rows_nd = (rows_nd + rows_nd.std(dim=0)).to(dtype).float()
    noise = fitted("pca", rows_nd, epsilon=RunOptions().normalize_epsilon)(rows_nd)[:, 4:]
    assert noise.std(dim=0).max() < limit


@pytest.mark.parametrize("kind", ["zca", "pca"])
def test_fewer_rows_than_dimensions_can_be_whitened(fitted, kind):
    rows_nd = rows(n=4)
    variances = np.linalg.eigvalsh(np.cov(wide(fitted(kind, rows_nd, 1e-6)(rows_nd)).T, ddof=0))
    np.testing.assert_allclose(variances, [0, 0, 0, 1, 1, 1], atol=1e-2)


@pytest.mark.parametrize("kind", ["zca", "pca"])
def test_rows_that_are_all_the_same_cannot_be_whitened(fitted, kind):
    with pytest.raises(DataError, match="all training rows are the same: use --normalize none"):
        fitted(kind, torch.ones(9, 6))


def test_the_components_of_pca_have_one_sign(fitted):
    matrix_de = fitted("pca", rows()).map.matrix_de
    largest_e = matrix_de.gather(0, matrix_de.abs().argmax(dim=0, keepdim=True))
    assert (largest_e > 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_rows_of_any_float_dtype_come_out_as_float32_row_by_row(fitted, kind, dtype):
    normalizer = fitted(kind, rows(ratio=3))
    acts_bd = rows(n=50, ratio=3, seed=1).to(dtype)
    before = acts_bd.clone()
    found = normalizer(acts_bd)
    assert found.dtype == torch.float32
    assert torch.equal(acts_bd, before)
    torch.testing.assert_close(found, normalizer(acts_bd.float()), rtol=1e-5, atol=1e-6)
    alone_bd = torch.cat([normalizer(row_d[None]) for row_d in acts_bd])
    torch.testing.assert_close(alone_bd, found, rtol=1e-5, atol=1e-5)
    assert tuple(normalizer(acts_bd[:0]).shape) == (0, 6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "bad", [torch.ones(3, 5), torch.ones(6), torch.ones(3, 6, dtype=torch.int64)]
)
def test_what_does_not_fit_is_refused(fitted, kind, bad):
    with pytest.raises(DataError, match=f"{kind} normalisation of 6 dimensions got"):
        fitted(kind, rows())(bad)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_needed_is_measured(kind, statistics_of_rows):
    asked = []

    def statistics(covariance):
        asked.append(covariance)
        return statistics_of_rows(rows(), covariance)

    facts = fit(kind, 6, 1e-3, statistics).facts
    needs = {
        "center": [False],
        "standardize": [False],
        "unit-norm": [],
        "zca": [True],
        "pca": [True],
    }
    assert asked == needs[kind]
    assert facts.statistics == (statistics_of_rows(rows(), False).digest if asked else None)
    assert facts.epsilon == (1e-3 if kind in ("zca", "pca") else None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ratio", [0, 1e3])
def test_the_inverse_leads_back(fitted, kind, ratio):
    rows_nd = rows(ratio=ratio)
    normalizer = fitted(kind, rows_nd)
    back_nd = normalizer.map.inverse()(normalizer(rows_nd), rows_nd)
    assert back_nd.dtype == torch.float32
    spread = float(rows_nd.std(dim=0).max())
    np.testing.assert_allclose(back_nd, rows_nd, atol=1e-4 * spread, rtol=1e-6)
