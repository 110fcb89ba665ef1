import warnings
from itertools import pairwise

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from traits_core import DataError, TraitsError, match_directions


def exact_em(rows_nd, centres_kd, temperature):
    """One EM step over all rows in float64: the objective before it, and the centres after it."""
    rows_nd = torch.nn.functional.normalize(rows_nd.double(), dim=1)
    logits_nk = rows_nd @ centres_kd.double().T / temperature
    log_k = torch.tensor(len(centres_kd), dtype=torch.float64).log()
    objective = temperature * (logits_nk.logsumexp(1) - log_k).mean()
    return float(objective), torch.nn.functional.normalize(logits_nk.softmax(1).T @ rows_nd, dim=1)


def full(**options):
    """Options of plain EM: exact passes, all memberships, nothing moved but by the sums."""
    plain = {
        "top_m": 1000,
        "min_membership": 0.0,
        "small_cluster": 0.0,
        "tol": 0.0,
        "center": False,
    }
    return plain | {"exact_epochs": 1000} | options


def test_an_exact_pass_is_a_step_of_em(learner, planted):
    rows_nd, *_ = planted(kappa=10.0)
    method = learner(16, **full(n_clusters=20, temperature=0.1, max_epochs=5))
    method.initialize(rows_nd)
    for _ in range(4):
        before_kd = method.scorer().centres.centres_kd
        expected, after_kd = exact_em(rows_nd, before_kd, 0.1)
        steps = [method.update(acts_bd) for acts_bd in torch.split(rows_nd, 500)]
        metrics = method.end_epoch()
        assert metrics["objective"] == pytest.approx(expected, abs=1e-5)
        assert metrics["captured_mass"] == pytest.approx(1.0, abs=1e-5)
        batches = [step["batch_objective"] for step in steps]
        assert sum(batches) / 3 == pytest.approx(expected, abs=1e-5)
        centres_kd = method.scorer().centres.centres_kd
        torch.testing.assert_close(centres_kd.double(), after_kd, rtol=1e-4, atol=1e-5)


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(k=st.integers(1, 30), temperature=st.sampled_from([0.02, 0.1, 0.5]), seed=st.integers(0, 99))
def test_exact_passes_never_lower_the_objective(learner, fit, k, temperature, seed):
    rows_nd = torch.randn(200, 6, generator=torch.Generator().manual_seed(seed))
    options = full(n_clusters=k, temperature=temperature, max_epochs=6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of these temperatures are too high, and it says so
        history = fit(learner(6, seed=seed, **options), rows_nd)
    values = [epoch["objective"] for epoch in history if not epoch["n_reseeded"]]
    assert all(later >= earlier - 1e-6 for earlier, later in pairwise(values))
    assert all(-1 <= value <= 1 for value in values)


def test_few_memberships_do_almost_what_all_of_them_do(learner, fit, planted):
    rows_nd, *_ = planted(k=60, kappa=200.0)
    options = {"n_clusters": 60, "temperature": 0.02}
    few, every = (learner(16, top_m=top_m, **options) for top_m in (8, 60))
    last_few, last_every = fit(few, rows_nd)[-1], fit(every, rows_nd)[-1]
    assert last_few["captured_mass"] > 0.99
    assert last_few["objective"] == pytest.approx(last_every["objective"], abs=2e-3)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("exact_epochs", [2, 10])
def test_planted_mixtures_are_recovered(learner, fit, planted, seed, exact_epochs):
    rows_nd, labels_n, means_kd = planted(seed=seed, kappa=300.0)
    rows_nd *= torch.logspace(-3, 3, len(rows_nd))[:, None]  # lengths mean nothing
    method = learner(16, seed=seed, n_clusters=12, center=False, exact_epochs=exact_epochs)
    history = fit(method, rows_nd)
    scorer = method.scorer()
    assert adjusted_rand_score(labels_n, scorer(rows_nd).argmax(dim=1)) > 0.99
    assert float(match_directions(scorer.centres.centres_kd, means_kd).cosines_j.min()) > 0.99
    assert history[-1]["utilisation"] == 1.0
    assert history[-1]["n_duplicates"] == 0


def test_a_common_mean_hides_the_clusters_unless_it_is_subtracted(learner, fit, planted):
    rows_nd, labels_n, _ = planted()
    rows_nd += 5
    scores = {}
    for center in (True, False):
        method = learner(16, n_clusters=12, center=center)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without centring the temperature is too high
            last = fit(method, rows_nd)[-1]
        labels_found_n = method.scorer()(rows_nd).argmax(dim=1)
        scores[center] = adjusted_rand_score(labels_n, labels_found_n), last["effective_clusters"]
    assert scores[True][0] > 0.95 > scores[False][0]
    assert scores[True][1] < 2 < 10 < scores[False][1]


def test_at_temperature_one_256_clusters_stay_finite_and_are_warned_of(learner, fit, planted):
    rows_nd, *_ = planted(n=2000, d=32, k=40)
    method = learner(32, n_clusters=256, temperature=1.0, min_membership=0.01)
    with pytest.warns(UserWarning, match="temperature 1 is too high for 256 clusters") as caught:
        history = fit(method, rows_nd)
    assert len(caught) == 1
    assert "have no membership of min_membership (0.01)" in str(caught[0].message)
    assert method.scorer()(rows_nd).isfinite().all()
    values_nj, _ = method.scorer().sparse(rows_nd)
    torch.testing.assert_close(values_nj.sum(dim=1), torch.ones(2000))
    assert history[-1]["captured_mass"] < 0.02

    suggested = float(str(caught[0].message).rsplit(" ", 1)[1])
    better = learner(32, n_clusters=256, temperature=suggested, min_membership=0.01)
    assert fit(better, rows_nd)[-1]["captured_mass"] > 0.8


def test_the_defaults_do_not_collapse(learner, fit, planted):
    rows_nd, labels_n, _ = planted(n=4000, d=64, k=100, kappa=200.0)
    method = learner(64, n_clusters=100)
    last = fit(method, rows_nd)[-1]
    assert last["captured_mass"] > 0.99
    assert last["effective_clusters"] < 1.5
    assert last["utilisation"] == 1.0
    assert last["n_duplicates"] <= 3
    assert adjusted_rand_score(labels_n, method.scorer()(rows_nd).argmax(dim=1)) > 0.94


def test_twins_are_parted(learner, planted):
    rows_nd, *_ = planted(kappa=300.0)
    method = learner(16, n_clusters=12, center=False)
    method.initialize(rows_nd)
    state = dict(method.state_dict())
    for name in ("centres_kd", "sums_kd"):
        state[name] = state[name].clone()
        state[name][3:6] = state[name][2]
    method.load_state_dict(state)
    metrics = []
    while not method.done:
        method.update(rows_nd)
        metrics.append(method.end_epoch())
    assert metrics[0]["n_duplicates"] == metrics[0]["n_reseeded"] == 3
    assert metrics[-1]["n_duplicates"] == 0
    assert metrics[-1]["utilisation"] == 1.0


def test_metrics_are_those_of_the_memberships(learner, planted):
    rows_nd, *_ = planted(kappa=10.0)
    rows_nd[:3] = 0
    options = full(n_clusters=20, temperature=0.1, max_epochs=2)
    method = learner(16, **options)
    method.initialize(rows_nd)
    soft_nk = method.scorer()(rows_nd)[3:].double()
    method.update(rows_nd)
    metrics = method.end_epoch()
    entropies_n = torch.special.entr(soft_nk).sum(1)
    assert metrics["entropy"] == pytest.approx(float(entropies_n.mean()), rel=1e-4)
    assert metrics["effective_clusters"] == pytest.approx(float(entropies_n.exp().mean()), rel=1e-4)
    masses_k = soft_nk.sum(0)
    torch.testing.assert_close(metrics["masses"], masses_k, rtol=1e-4, atol=0)
    for name, of in (("mass_min", masses_k.min()), ("mass_max", masses_k.max())):
        assert metrics[name] == pytest.approx(float(of), rel=1e-4)
    nearest_k = soft_nk.argmax(1).bincount(minlength=20)
    assert metrics["utilisation"] == float((nearest_k > 0).double().mean())
    assert metrics["zero_rows"] == 3


def test_moving_averages_forget_in_rows_per_cluster(learner):
    options = {"n_clusters": 1, "center": False, "window": 10.0, "max_epochs": 3, "exact_epochs": 1}
    method = learner(2, **options)
    method.initialize(torch.tensor([[1.0, 0.0]]))
    metrics = method.update(torch.tensor([[0.0, 2.0]]).repeat(5, 1))
    keep = torch.tensor(-5 / 10).exp()
    assert metrics["learning_rate"] == pytest.approx(5 / (5 + float(keep)))
    expected_d = torch.nn.functional.normalize(torch.tensor([float(keep), 5.0]), dim=0)
    torch.testing.assert_close(method.scorer().centres.centres_kd[0], expected_d)


def test_exact_passes_forget_what_moving_averages_knew(learner, planted):
    rows_nd, *_ = planted(kappa=10.0)
    options = full(n_clusters=12, temperature=0.1, max_epochs=3, exact_epochs=1)
    method = learner(16, **options)
    method.initialize(rows_nd)
    for _ in range(2):
        method.update(rows_nd)
        method.end_epoch()
    _, after_kd = exact_em(rows_nd, method.scorer().centres.centres_kd, 0.1)
    method.update(rows_nd)
    method.end_epoch()
    centres_kd = method.scorer().centres.centres_kd.double()
    torch.testing.assert_close(centres_kd, after_kd, rtol=1e-4, atol=1e-5)


def test_no_epoch_is_left_out_when_the_order_of_the_rows_lowers_the_objective(learner, planted):
    rows_nd, labels_n, _ = planted(n=8000, k=60, kappa=20.0)
    windows = [rows_nd[labels_n % 4 == window] for window in range(4)]  # of a store, shuffled alone
    method = learner(16, n_clusters=40, center=False)
    method.initialize(rows_nd)
    measured, exact = [], []
    while not method.done:
        order = torch.randperm(4, generator=torch.Generator().manual_seed(len(measured)))
        for acts_bd in torch.cat([windows[window] for window in order]).split(256):
            method.update(acts_bd)
        measured.append(method.end_epoch()["objective"])
        exact.append(exact_em(rows_nd, method.scorer().centres.centres_kd, 0.03)[0])
    assert len(measured) == 10
    assert any(
        measured[epoch + 1] < measured[epoch] and exact[epoch + 1] > exact[epoch]
        for epoch in range(6)
    )
    assert exact[9] == max(exact)


def test_exact_epochs_that_no_longer_improve_are_the_last(learner, fit, planted):
    rows_nd, *_ = planted(kappa=500.0)
    options = {"n_clusters": 12, "max_epochs": 12, "exact_epochs": 9}
    assert 4 < len(fit(learner(16, **options), rows_nd)) < 8
    assert len(fit(learner(16, tol=2.0, **options), rows_nd)) == 5


def test_clusters_without_members_move_to_far_rows(learner, planted):
    rows_nd, *_ = planted(kappa=300.0)
    rows_nd[:, 0] = rows_nd[:, 0].abs() + 0.5
    method = learner(
        16, n_clusters=12, temperature=0.005, center=False, exact_epochs=6, max_epochs=6
    )
    method.initialize(rows_nd)
    state = dict(method.state_dict())
    state["centres_kd"] = torch.zeros(12, 16)
    state["centres_kd"][:, 0] = -1  # eleven centres where no row is near
    state["centres_kd"][0, 0] = 1
    method.load_state_dict(state)
    metrics = []
    while not method.done:
        method.update(rows_nd)
        metrics.append(method.end_epoch())
    assert metrics[0]["n_reseeded"] == 11
    assert metrics[1]["n_duplicates"] < 4
    assert metrics[-1]["utilisation"] == 1.0
    assert metrics[-1]["objective"] > metrics[0]["objective"] + 0.2


def test_light_clusters_move_only_while_batches_move_the_centres(learner, fit, planted):
    rows_nd, *_ = planted(kappa=5.0)
    options = {"n_clusters": 40, "temperature": 0.01, "max_epochs": 6, "exact_epochs": 3}
    eager = fit(learner(16, small_cluster=0.9, tol=0.0, **options), rows_nd)
    never = fit(learner(16, small_cluster=0.0, tol=0.0, **options), rows_nd)
    assert eager[0]["n_reseeded"] > 0
    assert [epoch["n_reseeded"] for epoch in eager[3:]] == [0.0] * (len(eager) - 3)
    assert sum(epoch["n_reseeded"] for epoch in never) == 0


def test_rows_without_direction_change_nothing_but_their_count(learner, planted):
    rows_nd, *_ = planted(n=300)
    options = {"n_clusters": 6, "center": False, "max_epochs": 2, "exact_epochs": 1}
    plain, padded = learner(16, **options), learner(16, **options)
    for method, batch_bd in ((plain, rows_nd), (padded, torch.cat([torch.zeros(7, 16), rows_nd]))):
        method.initialize(rows_nd)
        while not method.done:
            method.update(batch_bd)
            last = method.end_epoch()
    assert last["zero_rows"] == 7
    assert torch.equal(padded.scorer().centres.centres_kd, plain.scorer().centres.centres_kd)


def test_a_batch_without_any_direction_is_harmless(learner, planted):
    rows_nd, *_ = planted(n=300)
    for top_m in (3, 16):
        method = learner(16, n_clusters=6, top_m=top_m, center=False)
        method.initialize(rows_nd)
        before = method.scorer()(rows_nd)
        assert method.update(torch.zeros(4, 16)) == {
            "batch_objective": 0.0,
            "batch_captured_mass": 0.0,
            "learning_rate": 0.0,
        }
        torch.testing.assert_close(method.scorer()(rows_nd), before)


def test_an_epoch_without_any_direction_is_refused(learner, planted):
    rows_nd, *_ = planted(n=300)
    method = learner(16, n_clusters=6, center=False)
    method.initialize(rows_nd)
    method.update(torch.zeros(4, 16))
    with pytest.raises(DataError, match="no rows with a direction"):
        method.end_epoch()


def test_equal_rows_are_refused_when_centred_and_one_cluster_otherwise(learner, fit):
    rows_nd = torch.full((50, 3), 7.0)
    with pytest.raises(DataError, match="0 rows with a direction"):
        learner(3, n_clusters=4).initialize(rows_nd)
    method = learner(3, n_clusters=1, center=False)
    assert fit(method, rows_nd)[-1]["objective"] == pytest.approx(1.0, abs=1e-6)


def test_fewer_sample_rows_than_clusters_are_refused_with_both_numbers(learner):
    with pytest.raises(
        DataError, match=r"40 clusters of a sample of 7 rows .* set n_clusters to 7"
    ):
        learner(3, n_clusters=40, center=False).initialize(torch.randn(7, 3))


def test_the_sample_has_at_least_a_row_per_cluster(learner):
    assert learner(3, n_clusters=40, seeding_rows=5).sample_rows == 40
    assert learner(3, n_clusters=40).sample_rows == 16384
    assert learner(3, n_clusters=4096).sample_rows == 32768


@pytest.mark.parametrize("bad", [torch.zeros(2, 5), torch.full((2, 4), torch.nan)])
def test_bad_batches_are_refused(learner, planted, bad):
    method = learner(4, n_clusters=2, center=False)
    method.initialize(torch.eye(4))
    with pytest.raises(TraitsError):
        method.update(bad)


def test_two_seeds_find_the_same_planted_centres_but_not_the_same_in_noise(learner, fit, planted):
    noise_nd = torch.randn(1500, 16, generator=torch.Generator().manual_seed(0))
    stable = []
    for rows_nd in (planted(kappa=300.0)[0], noise_nd):
        centres = []
        for seed in (0, 1):
            method = learner(16, seed=seed, n_clusters=12)
            fit(method, rows_nd)
            centres.append(method.scorer().centres.centres_kd)
        stable.append(match_directions(*centres).stable())
    assert stable[0] == 1.0
    assert stable[1] < 0.5
