"""Exact PCA against scikit-learn's singular value decomposition in float64."""

import pytest
import torch
from sklearn import decomposition

from traits_plugin_pca.method import PART_ROWS


def reference(rows_nd, **options):
    return decomposition.PCA(svd_solver="full", **options).fit(rows_nd.double().numpy())


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours.double(), torch.from_numpy(theirs), **tolerance)


@pytest.mark.parametrize("mean", [0.0, 3.0, 1e4])
@pytest.mark.parametrize("d", [24, 401])  # less than one panel of the scatter, and more than two
def test_components_variances_and_scores_are_those_of_scikit_learn(
    learner, fit, spread_rows, d, mean
):
    rows_nd = spread_rows(n=5000, d=d, decay=2.0, mean=mean)
    method = learner(d, n_components=10)
    fit(method, rows_nd, batch=999)
    scorer, theirs = method.scorer(), reference(rows_nd, n_components=10)
    spectrum = scorer.spectrum
    rtol = 1e-6 if mean < 100 else 2e-5  # float32 leaves few bits of such activations to vary
    close(spectrum.variances_j[:10], theirs.explained_variance_, rtol=rtol, atol=0)
    close(spectrum.explained_j[:10], theirs.explained_variance_ratio_.cumsum(), rtol=rtol, atol=0)
    assert spectrum.noise_variance == pytest.approx(theirs.noise_variance_, rel=10 * rtol)
    close(spectrum.components_kd, theirs.components_, rtol=0, atol=2e-5)  # signs included
    close(scorer.mean_d, theirs.mean_, rtol=1e-7, atol=1e-6)
    tolerance = 2e-5 + 1e-6 * mean  # the mean is kept in float32
    close(scorer(rows_nd), theirs.transform(rows_nd.double()), rtol=0, atol=tolerance)
    restored_nd = theirs.inverse_transform(theirs.transform(rows_nd.double()))
    close(scorer.reconstruct(rows_nd), restored_nd, rtol=1e-6, atol=tolerance)


def test_all_components_are_kept_unless_asked_otherwise(learner, fit, spread_rows):
    rows_nd = spread_rows()
    method = learner(24)
    (metrics,) = fit(method, rows_nd)
    scorer, theirs = method.scorer(), reference(rows_nd)
    assert scorer.n_prototypes == 24
    assert metrics["noise_variance"] == 0.0
    assert metrics["explained"] == pytest.approx(1.0, abs=1e-6)
    close(scorer.spectrum.variances_j, theirs.explained_variance_, rtol=1e-6, atol=0)
    torch.testing.assert_close(scorer.reconstruct(rows_nd), rows_nd, rtol=0, atol=1e-5)


@pytest.mark.parametrize("fraction", [0.3, 0.9, 0.999])
def test_as_many_components_explain_a_fraction_as_in_scikit_learn(
    learner, fit, spread_rows, fraction
):
    rows_nd = spread_rows()
    method = learner(24, explained=fraction)
    (metrics,) = fit(method, rows_nd)
    theirs = reference(rows_nd, n_components=fraction)
    assert metrics["n_components"] == method.scorer().n_prototypes == theirs.n_components_
    assert metrics["explained"] >= fraction


def test_n_components_bounds_what_explained_asks_for(learner, fit, spread_rows):
    method = learner(24, explained=0.99, n_components=3)
    fit(method, spread_rows())
    assert method.scorer().n_prototypes == 3


def test_components_without_variance_are_not_kept(learner, fit, spread_rows):
    rows_nd = spread_rows(d=5) @ torch.randn(5, 40, generator=torch.Generator().manual_seed(1))
    method = learner(40, whiten=True, epsilon=0.0)
    fit(method, rows_nd + 7)
    assert method.scorer().n_prototypes == 5
    scores_nk = method.scorer()(rows_nd + 7)
    torch.testing.assert_close(scores_nk.std(dim=0), torch.ones(5), rtol=1e-4, atol=0)


def test_fewer_rows_than_components_give_one_component_less_than_rows(learner, fit, spread_rows):
    rows_nd = spread_rows(n=20, d=50)
    method = learner(50, n_components=30)
    fit(method, rows_nd, batch=7)
    components_kd = method.scorer().spectrum.components_kd
    assert len(components_kd) == 19
    close(components_kd, reference(rows_nd).components_[:19], rtol=0, atol=1e-4)


def test_metrics_say_what_one_two_four_components_explain(learner, fit, spread_rows):
    rows_nd = spread_rows()
    (metrics,) = fit(learner(24, n_components=10), rows_nd)
    theirs = reference(rows_nd)
    ratios = theirs.explained_variance_ratio_.cumsum()
    assert metrics["explained"] == pytest.approx(ratios[9], rel=1e-6)
    assert metrics["total_variance"] == pytest.approx(theirs.explained_variance_.sum(), rel=1e-6)
    found = {name: value for name, value in metrics.items() if name.startswith("explained_")}
    assert found == pytest.approx({f"explained_{k}": ratios[k - 1] for k in (1, 2, 4, 8)}, rel=1e-6)


def test_a_batch_reports_the_total_variance_so_far(learner, spread_rows):
    rows_nd = spread_rows(mean=100.0)
    method = learner(24)
    method.initialize(rows_nd[:100])
    for end in (500, 1000):
        found = method.update(rows_nd[end - 500 : end])["total_variance"]
        assert found == pytest.approx(float(rows_nd[:end].double().var(dim=0).sum()), rel=1e-5)


def test_neither_order_nor_batches_nor_the_sample_change_components_or_signs(
    learner, fit, spread_rows
):
    rows_nd = spread_rows(n=3000, d=30, decay=0.5, mean=10.0)
    rows_nd[:, 1] = 20 - rows_nd[:, 0]  # two entries of equal magnitude in every component
    found = []
    for seed, batch in enumerate((100, 1024, 3000)):
        order_n = torch.randperm(3000, generator=torch.Generator().manual_seed(seed))
        method = learner(30, seed=seed)
        fit(method, rows_nd[order_n], batch)
        found.append(method.scorer().spectrum.components_kd)
    assert len(found[0]) == 29
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=1e-4)
    torch.testing.assert_close(found[2], found[0], rtol=0, atol=1e-4)


def test_a_batch_larger_than_one_product_is_all_counted(learner, spread_rows):
    rows_nd = spread_rows(n=2 * PART_ROWS + 100, d=4)
    method = learner(4)
    method.initialize(rows_nd[:10])
    method.update(rows_nd)
    method.end_epoch()
    spectrum = method.scorer().spectrum
    assert spectrum.n_rows == len(rows_nd)
    close(spectrum.variances_j, reference(rows_nd).explained_variance_, rtol=1e-5, atol=0)
