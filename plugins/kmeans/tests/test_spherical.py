import pytest
import torch

from traits_plugin_kmeans.frame import Frame, unit_rows


@pytest.fixture
def cones():
    """Rows of any length in twelve directions."""
    generator = torch.Generator().manual_seed(0)
    directions_kd = torch.randn(12, 16, generator=generator)
    rows_nd = directions_kd[torch.randint(12, (1500,), generator=generator)]
    rows_nd = rows_nd + 0.4 * torch.randn(1500, 16, generator=generator)
    return rows_nd * (0.1 + 10 * torch.rand(1500, 1, generator=generator))


def spherical_step(rows_nd, centroids_kd):
    """A step of spherical k-means in float64, as Dhillon & Modha (2001) have it; and its cosines."""
    rows_nd = rows_nd.double() / rows_nd.double().norm(dim=1, keepdim=True)
    cosines_n, labels_n = (rows_nd @ centroids_kd.T).max(dim=1)
    sums_kd = torch.zeros_like(centroids_kd).index_add_(0, labels_n, rows_nd)
    return sums_kd / sums_kd.norm(dim=1, keepdim=True), cosines_n


def test_each_exact_pass_is_a_step_of_spherical_k_means(learner, cones):
    method = learner(16, n_clusters=12, distance="cosine", small_cluster=0.0)
    method.initialize(cones[:80])
    expected_kd = method.scorer().centroids_kd.double()
    for _ in range(4):
        expected_kd, cosines_n = spherical_step(cones, expected_kd)
        method.update(cones)
        metrics = method.end_epoch()
        centroids_kd = method.scorer().centroids_kd.double()
        torch.testing.assert_close(centroids_kd, expected_kd, rtol=0, atol=1e-5)
        expected = float(2 * (1 - cosines_n).mean())
        assert metrics["inertia"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("exact_passes", [1, 4])
def test_centroids_stay_on_the_sphere(learner, fit, cones, exact_passes):
    options = {"max_epochs": 4, "window": 24.0, "distance": "cosine", "small_cluster": 0.3}
    method = learner(16, n_clusters=20, exact_passes=exact_passes, **options)
    fit(method, cones)
    lengths_k = method.scorer().centroids_kd.norm(dim=1)
    torch.testing.assert_close(lengths_k, torch.ones(20), rtol=0, atol=1e-5)


def test_the_length_of_a_row_changes_no_score(learner, fit, cones):
    method = learner(16, n_clusters=12, distance="cosine", max_epochs=2)
    fit(method, cones)
    scores_bk = method.scorer()(cones)
    torch.testing.assert_close(method.scorer()(1e-3 * cones), scores_bk, rtol=0, atol=1e-5)
    cosines_bk = unit_rows(cones) @ method.scorer().centroids_kd.T
    torch.testing.assert_close(scores_bk, -2 * (1 - cosines_bk), rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-38, 1e-12, 1.0, 1e15])
def test_unit_rows_have_length_one_at_any_scale(scale):
    rows_bd = scale * torch.randn(20, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(unit_rows(rows_bd).norm(dim=1), torch.ones(20))


def test_zero_rows_stay_zero():
    assert not unit_rows(torch.zeros(2, 3)).any()
    assert Frame.of(torch.zeros(4, 3), spherical=True).rows(torch.zeros(2, 3)).isfinite().all()
