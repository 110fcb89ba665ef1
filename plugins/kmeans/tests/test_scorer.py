import attrs
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.metrics import r2_score
from sklearn.metrics.pairwise import cosine_similarity

from traits_core import ProductRoute, StoreError, save_tensors
from traits_plugin_kmeans.codebook import Codebook
from traits_plugin_kmeans.frame import Frame, unit_rows
from traits_plugin_kmeans.scorer import KMeansScorer

CPU = torch.device("cpu")


@pytest.fixture
def scorer():
    generator = torch.Generator().manual_seed(1)
    return KMeansScorer(
        Codebook(torch.randn(37, 24, generator=generator)),
        Frame(100 + torch.randn(24, generator=generator), spherical=False),
    )


@pytest.fixture
def acts_bd():
    return 100 + torch.randn(50, 24, generator=torch.Generator().manual_seed(2))


def exact(scorer, acts_bd):
    centroids_kd = scorer.codebook.centroids_kd.double() + scorer.frame.shift_d.double()
    return -(acts_bd.double()[:, None] - centroids_kd).square().sum(dim=2)


def test_scores_are_negative_squared_distances_even_with_a_large_mean(scorer, acts_bd):
    scores_bk = scorer(acts_bd)
    assert scores_bk.dtype == torch.float32
    assert scores_bk.shape == (50, scorer.n_prototypes)
    torch.testing.assert_close(scores_bk.double(), exact(scorer, acts_bd), rtol=1e-5, atol=1e-4)


def test_a_row_scores_the_same_alone_and_in_a_batch(scorer, acts_bd):
    alone_bk = torch.cat([scorer(acts_bd[i : i + 1]) for i in range(len(acts_bd))])
    torch.testing.assert_close(scorer(acts_bd), alone_bk, rtol=1e-5, atol=1e-5)


def test_no_score_exceeds_zero(scorer):
    scores_kk = scorer(scorer.centroids_kd)
    assert scores_kk.max() <= 0
    torch.testing.assert_close(scores_kk.diagonal(), torch.zeros(37), rtol=0, atol=1e-3)


@pytest.mark.parametrize("width", [1, 10, 37, 100])
@pytest.mark.parametrize("score", ["neg-sq-distance", "neg-distance", "cosine", "unit"])
@pytest.mark.parametrize("spherical", [False, True])
def test_blocks_are_the_scores_of_the_centroids_of_each(scorer, acts_bd, width, score, spherical):
    frame = Frame(scorer.frame.shift_d / 500, spherical)
    scorer = KMeansScorer(scorer.codebook, frame, score, reach=600.0)
    blocks = scorer.blocks(acts_bd, width)
    for centroids_wd in scorer.codebook.centroids_kd.split(width):
        alone = KMeansScorer(Codebook(centroids_wd), frame, score, reach=600.0)
        torch.testing.assert_close(next(blocks), alone(acts_bd), rtol=1e-5, atol=1e-5)
    assert next(blocks, None) is None


def cosines(acts_bd, centroids_kd):
    return torch.from_numpy(cosine_similarity(acts_bd.numpy(), centroids_kd.numpy())).double()


def test_negative_distances_are_those_of_scipy(scorer, acts_bd):
    scores_bk = attrs.evolve(scorer, score="neg-distance")(acts_bd)
    expected_bk = cdist(acts_bd.double(), scorer.centroids_kd.double())
    torch.testing.assert_close(
        -scores_bk.double(), torch.from_numpy(expected_bk), rtol=1e-5, atol=1e-5
    )


def test_cosines_are_those_of_scikit_learn(scorer, acts_bd):
    scores_bk = attrs.evolve(scorer, score="cosine")(acts_bd)
    expected_bk = cosines(acts_bd.double(), scorer.centroids_kd.double())
    torch.testing.assert_close(scores_bk.double(), expected_bk, rtol=0, atol=1e-6)


def test_the_cosine_of_a_zero_row_is_zero(scorer):
    assert not attrs.evolve(scorer, score="cosine")(torch.zeros(2, 24)).any()


def test_unit_scores_fall_from_one_at_the_centroid_to_zero_at_the_reach(scorer, acts_bd):
    unit = attrs.evolve(scorer, score="unit", reach=5.0)
    distances_bk = torch.from_numpy(cdist(acts_bd.double(), scorer.centroids_kd.double()))
    expected_bk = (1 - distances_bk / 5.0).clamp(min=0)
    torch.testing.assert_close(unit(acts_bd).double(), expected_bk, rtol=0, atol=1e-4)
    assert (expected_bk == 0).any()
    assert (expected_bk > 0).any()
    own_kk = unit(scorer.centroids_kd)
    torch.testing.assert_close(own_kk.diagonal(), torch.ones(37), rtol=0, atol=0.01)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_no_training_row_is_beyond_the_reach(learner, fit, planted, distance):
    rows_nd, _ = planted(n=400)
    rows_nd[-1] *= 10  # no row of the sample is as long
    options = {"max_epochs": 2, "small_cluster": 0.0}
    method = learner(16, n_clusters=6, score="unit", distance=distance, **options)
    fit(method, rows_nd, sample=50)
    scores_bk = method.scorer()(rows_nd)
    assert scores_bk.min() >= 0
    assert scores_bk.max() <= 1
    frame = method.scorer().frame
    rows_bd, centroids_kd = frame.rows(rows_nd), method.scorer().codebook.centroids_kd
    assert cdist(rows_bd, centroids_kd).max() <= method.scorer().reach


@pytest.mark.parametrize("score", ["neg-sq-distance", "neg-distance", "cosine", "unit"])
@pytest.mark.parametrize("spherical", [False, True])
def test_every_kind_of_scorer_survives_saving(scorer, acts_bd, tmp_path, score, spherical):
    frame = Frame(scorer.frame.shift_d / 500, spherical)
    scorer = KMeansScorer(scorer.codebook, frame, score, reach=40.0)
    scorer.save(tmp_path)
    assert torch.equal(KMeansScorer.load(tmp_path, CPU)(acts_bd), scorer(acts_bd))


def test_scorers_change_no_precision_that_other_threads_multiply_by(scorer):
    screened = Codebook(scorer.codebook.centroids_kd, ProductRoute.SCREENED)
    assert KMeansScorer(screened, scorer.frame).codebook.route is ProductRoute.PLAIN


def test_no_rows_give_no_scores(scorer):
    assert scorer(torch.zeros(0, 24)).shape == (0, 37)
    assert scorer.reconstruct(torch.zeros(0, 24)).shape == (0, 24)


def test_reconstruction_explains_what_the_pass_over_its_rows_reports(learner, planted):
    rows_nd, _ = planted(n=9000, spread=1.0, mean=50.0)
    method = learner(16, n_clusters=20)
    method.initialize(rows_nd)
    rebuilt_nd = method.scorer().reconstruct(rows_nd)
    method.update(rows_nd)
    reported = method.end_epoch()
    error = (rebuilt_nd.double() - rows_nd).square().sum(dim=1).mean()
    assert float(error) == pytest.approx(reported["inertia"], rel=1e-5)
    explained = r2_score(rows_nd.numpy(), rebuilt_nd.numpy(), multioutput="variance_weighted")
    assert explained == pytest.approx(reported["explained"], abs=1e-5)


@pytest.mark.parametrize("score", ["neg-sq-distance", "neg-distance", "cosine", "unit"])
def test_rows_are_reconstructed_as_their_nearest_centroid_whatever_is_scored(
    scorer, acts_bd, score
):
    nearest_b = torch.from_numpy(cdist(acts_bd, scorer.centroids_kd)).argmin(dim=1)
    rebuilt_bd = attrs.evolve(scorer, score=score).reconstruct(acts_bd)
    assert torch.equal(rebuilt_bd, scorer.centroids_kd[nearest_b])


def test_directions_are_reconstructed_as_the_nearest_point_on_any_ray(scorer):
    shift_d = scorer.frame.shift_d / 500
    directions_kd = unit_rows(scorer.codebook.centroids_kd)
    spherical = KMeansScorer(Codebook(directions_kd - shift_d), Frame(shift_d, spherical=True))
    acts_bd = 3 * torch.randn(50, 24, generator=torch.Generator().manual_seed(3))
    acts_bd[0] = 0
    lengths_bk1 = (acts_bd.double() @ directions_kd.double().T).clamp(min=0)[..., None]
    points_bkd = lengths_bk1 * directions_kd
    best_b = (acts_bd[:, None] - points_bkd).square().sum(dim=2).argmin(dim=1)
    expected_bd = points_bkd[torch.arange(50), best_b].float()
    torch.testing.assert_close(spherical.reconstruct(acts_bd), expected_bd, rtol=1e-5, atol=1e-5)
    away_bd = -directions_kd[:1]
    alone = KMeansScorer(Codebook(directions_kd[:1]), Frame(torch.zeros(24), spherical=True))
    assert not alone.reconstruct(away_bd).any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_dtypes_score_as_the_values_they_hold(scorer, acts_bd, dtype):
    held_bd = acts_bd.to(dtype)
    scores_bk = scorer(held_bd)
    assert scores_bk.dtype == torch.float32
    torch.testing.assert_close(scores_bk.double(), exact(scorer, held_bd), rtol=1e-5, atol=1e-4)


def test_the_input_is_not_written_to_and_no_gradient_is_kept(scorer, acts_bd):
    before = acts_bd.clone()
    assert not scorer(acts_bd.requires_grad_()).requires_grad
    assert torch.equal(acts_bd, before)


def test_saved_and_loaded_it_scores_bit_for_bit_the_same(scorer, acts_bd, tmp_path):
    scorer.save(tmp_path)
    assert torch.equal(KMeansScorer.load(tmp_path, CPU)(acts_bd), scorer(acts_bd))


def test_a_scorer_of_another_kind_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"scorer\.safetensors"):
        KMeansScorer.load(tmp_path, CPU)
    save_tensors(tmp_path / "scorer.safetensors", {"x": torch.zeros(1)}, {"scorer": "other"})
    with pytest.raises(StoreError, match="not a k-means scorer"):
        KMeansScorer.load(tmp_path, CPU)


def test_the_scorer_of_a_learner_does_not_change_with_it(learner, planted):
    rows_nd, _ = planted(n=200)
    method = learner(16, n_clusters=4)
    method.initialize(rows_nd)
    scorer = method.scorer()
    before_bk = scorer(rows_nd)
    method.update(rows_nd)
    method.end_epoch()
    assert torch.equal(scorer(rows_nd), before_bk)
    assert not torch.equal(method.scorer()(rows_nd), before_bk)


@pytest.mark.parametrize("score", ["neg-sq-distance", "neg-distance", "cosine", "unit"])
@pytest.mark.parametrize("spherical", [False, True])
def test_affine_parts_rank_centroids_as_the_scores_do(scorer, acts_bd, score, spherical):
    shift_d = scorer.frame.shift_d / 500
    centroids_kd = scorer.codebook.centroids_kd
    if spherical:
        centroids_kd = unit_rows(centroids_kd + shift_d) - shift_d
    scorer = KMeansScorer(Codebook(centroids_kd), Frame(shift_d, spherical), score, reach=20.0)
    rows_bd = acts_bd.double() - 100
    parts = scorer.affine()
    latents_bk = (rows_bd - parts.shift_d) @ parts.encoder_dk.double() + parts.bias_k
    assert torch.equal(latents_bk.argsort(dim=1), scorer(rows_bd).argsort(dim=1))
    decoded_kd = parts.decoder_kd + parts.shift_d
    aligned_k = torch.cosine_similarity(decoded_kd, scorer.centroids_kd)
    torch.testing.assert_close(aligned_k, torch.ones(37))
