import math

import pytest
import torch
from sklearn.datasets import load_digits

from traits_core import ConfigError, DataError, NullComm
from traits_core.testing import run_ranks
from traits_plugin_sae.config import SaeConfig
from traits_plugin_sae.schedule import Schedule, default_learning_rate
from traits_plugin_sae.size import Size

ARCHITECTURES = ["topk", "batchtopk", "relu", "jumprelu", "gated"]


def train(method, rows_nd, epochs, batch=512):
    method.plan(len(rows_nd))
    method.initialize(rows_nd)
    generator = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for picks in torch.randperm(len(rows_nd), generator=generator).split(batch):
            method.update(rows_nd[picks])
        metrics = method.end_epoch()
    return metrics


def recovered(scorer, features_fd):
    """The fraction of features with a decoder row that points where they do."""
    cosines_fs = features_fd @ scorer.dictionary.decoder_sd.T
    return float((cosines_fs.amax(dim=1) > 0.9).double().mean())


@pytest.mark.parametrize(("name", "least"), [("topk", 0.8), ("batchtopk", 0.75), ("jumprelu", 0.7)])
def test_planted_features_are_recovered(name, least, learner, planted):
    rows_nd, features_fd = planted()
    method = learner(32, architecture=name, n_latents=64, k=3, max_epochs=60, step_rows=512)
    train(method, rows_nd, 60)
    assert method.done
    assert recovered(method.scorer(), features_fd) > least


def test_the_default_rate_recovers_what_that_of_long_runs_does_not(learner, planted):
    rows_nd, features_fd = planted()
    options = {"n_latents": 64, "k": 3, "max_epochs": 30, "step_rows": 512}
    method = learner(32, **options)
    slow = learner(32, **options, learning_rate=default_learning_rate(64, 10**6) / 10)
    for each in (method, slow):
        train(each, rows_nd, 30)
    assert recovered(method.scorer(), features_fd) > 0.5 > recovered(slow.scorer(), features_fd)


@pytest.mark.parametrize(
    ("name", "penalty"), [("batchtopk", 0), ("jumprelu", 1), ("jumprelu", 0.1)]
)
def test_l0_at_inference_is_k(name, penalty, learner, planted):
    rows_nd, _ = planted()
    options = {"architecture": name, "penalty": penalty, "n_latents": 64, "k": 4}
    method = learner(32, **options, max_epochs=30, step_rows=512)
    learned = train(method, rows_nd, 30)["l0"]
    assert penalty != 0.1 or abs(learned - 4) > 0.2, "thresholds as they are learned are not enough"
    l0 = float((method.scorer()(rows_nd) > 0).sum()) / len(rows_nd)
    assert l0 == pytest.approx(4, rel=0.02)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_scorer_takes_activations_as_they_come(name, learner, planted):
    rows_nd, _ = planted(n=1024)
    scores = {}
    for factor in (1.0, 64.0):  # a power of 2 changes no digit
        method = learner(32, architecture=name, n_latents=48, k=4, max_epochs=2, step_rows=256)
        train(method, factor * rows_nd, 2)
        scorer = method.scorer()
        scores[factor] = scorer(factor * rows_nd), scorer.reconstruct(factor * rows_nd)
    for small, large in zip(scores[1.0], scores[64.0], strict=True):
        torch.testing.assert_close(64 * small, large, rtol=1e-3, atol=1e-2)


def test_metrics_are_those_of_the_scorer(learner, planted):
    rows_nd, _ = planted(n=512)
    method = learner(32, n_latents=48, k=4, max_epochs=1)
    method.initialize(rows_nd)
    for _ in range(20):
        method.update(rows_nd)
    scorer = method.scorer()
    metrics = method.update(rows_nd)
    errors_nd = rows_nd - scorer.reconstruct(rows_nd)
    total = (rows_nd - rows_nd.mean(dim=0)).square().sum()
    expected = 1 - float(errors_nd.square().sum() / total)
    assert metrics["explained_variance"] == pytest.approx(expected, abs=1e-4)
    assert metrics["l0"] == pytest.approx(float((scorer(rows_nd) > 0).sum()) / 512)
    assert metrics["loss"] == pytest.approx(
        metrics["reconstruction_loss"] + metrics["sparsity_loss"] + metrics["auxiliary_loss"]
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_two_processes_learn_what_one_does(name, learner, planted):
    rows_nd, _ = planted(n=600)
    options = {"architecture": name, "n_latents": 48, "k": 4, "dead_after": 1, "step_rows": 4096}
    batches = [rows_nd[i * 120 : (i + 1) * 120] for i in range(5)]
    one = learner(32, **options)
    one.initialize(rows_nd)
    for batch in batches:
        one.update(batch)

    def work(comm):
        method = learner(32, comm=comm, **options)
        method.initialize(rows_nd)
        for batch, cut in zip(batches, (70, 70, 1, 70, 120), strict=True):  # one ends without rows
            method.update(batch[:cut] if comm.rank == 0 else batch[cut:])
        return method.state_dict(), method.end_epoch()

    (first, metrics), (second, _) = run_ranks(2, work)
    expected = one.state_dict()
    for key, tensor in first.items():
        assert torch.equal(tensor, second[key]), key
        if key != "sketch.counts_v":  # rounding moves values between its bins
            torch.testing.assert_close(tensor, expected[key], rtol=1e-3, atol=1e-5, msg=key)
    assert metrics == pytest.approx(dict(one.end_epoch()), rel=1e-4)


@pytest.mark.parametrize("name", ["batchtopk", "jumprelu"])
def test_two_processes_find_the_threshold_of_one(name, learner, planted):
    rows_nd, _ = planted(n=600)

    def threshold(comm):
        method = learner(32, comm=comm, architecture=name, n_latents=48, k=4)
        method.initialize(rows_nd)
        method.update(3 * rows_nd[comm.rank :: comm.world_size])  # unlike the sample
        return method.scorer().dictionary.activation.threshold_s

    one_s, first_s, second_s = threshold(NullComm()), *run_ranks(2, threshold)
    assert torch.equal(first_s, second_s)
    torch.testing.assert_close(first_s, one_s, rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_resume_equals_uninterrupted(name, learner, planted):
    rows_nd, _ = planted(n=600)
    options = {"architecture": name, "n_latents": 48, "k": 4, "dead_after": 2, "max_epochs": 3}
    options |= {"resample_every": 3, "ema": 4}
    options |= {"step_rows": 64}
    moves = [*rows_nd.split(150), None] * 3
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def advance(method, todo):
        for batch in todo:
            method.end_epoch() if batch is None else method.update(batch)

    whole = learner(32, **options)
    whole.plan(600)
    whole.initialize(rows_nd)
    advance(whole, moves[:7])
    state = whole.state_dict()
    advance(whole, moves[7:])
    resumed = learner(32, **options)
    resumed.load_state_dict(state)
    advance(resumed, moves[7:])
    torch.set_num_threads(threads)
    for key, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[key]), key
    assert whole.done
    assert resumed.done


@pytest.mark.parametrize(("lucky", "factor"), [(80, 1e4), (0, math.nan)])
def test_a_broken_step_stops_before_the_weights_change(lucky, factor, learner, planted):
    rows_nd, _ = planted(n=512)
    method = learner(32, n_latents=48, k=4, steps=200)
    method.initialize(rows_nd)
    for _ in range(lucky):
        method.update(rows_nd)
    if factor != factor:
        state = method.state_dict()
        state["encoder_sd"][0, 0] = factor
        method.load_state_dict(state)
        factor = 1.0
    before = method.state_dict()
    with pytest.raises(DataError, match=f"loss of step {lucky} is .*learning_rate"):
        method.update(factor * rows_nd)
    after = method.state_dict()
    for key, tensor in before.items():
        if not key.startswith("guard"):
            torch.testing.assert_close(after[key], tensor, rtol=0, atol=0, equal_nan=True, msg=key)


def test_dead_latents_are_revived(learner, planted):
    rows_nd, _ = planted()
    dead = {}
    for auxiliary in (0.0, 0.25):
        method = learner(
            32,
            n_latents=128,
            k=3,
            auxiliary=auxiliary,
            resample_every=0,
            max_epochs=30,
            step_rows=512,
            dead_after=20,
        )
        method.plan(len(rows_nd))
        method.initialize(rows_nd)
        state = method.state_dict()
        state["encoder_sd"][:64] *= 0.01  # never among the largest
        method.load_state_dict(state)
        for _ in range(30):
            for batch in rows_nd.split(512):
                method.update(batch)
            metrics = method.end_epoch()
        dead[auxiliary] = metrics["dead"]
    assert dead[0.0] > 0.4
    assert dead[0.25] < 0.5 * dead[0.0]


@pytest.mark.parametrize("name", ["topk", "relu"])
def test_latents_that_are_never_positive_are_resampled(name, learner, planted):
    rows_nd, _ = planted(n=2048)

    def work(comm, every):
        method = learner(
            32,
            architecture=name,
            n_latents=64,
            k=4,
            resample_every=every,
            steps=90,
            dead_after=5,
            penalty=0.01,
            step_rows=512,
            comm=comm,
        )
        method.initialize(rows_nd)
        state = method.state_dict()
        state["encoder_bias_s"][:32] = -30.0
        method.load_state_dict(state)
        for i in range(60):
            batch = rows_nd[i % 4 * 512 :][:512]
            method.update(batch[comm.rank :: comm.world_size])
        method.end_epoch()
        for batch in rows_nd.split(512):
            method.update(batch[comm.rank :: comm.world_size])
        return method.end_epoch()["dead"], method.state_dict()

    assert work(NullComm(), 0)[0] >= 0.5
    assert work(NullComm(), 10)[0] < 0.2
    (dead, first), (_, second) = run_ranks(2, lambda comm: work(comm, 10))
    assert dead < 0.2
    for key, tensor in first.items():
        assert torch.equal(tensor, second[key]), key


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_decoder_rows_have_length_one(name, learner, planted):
    rows_nd, _ = planted(n=512)
    method = learner(32, architecture=name, n_latents=48, k=4, max_epochs=2, step_rows=64)
    train(method, rows_nd, 2)
    lengths_s = method.scorer().dictionary.decoder_sd.norm(dim=1)
    torch.testing.assert_close(lengths_s, torch.ones(48))


def test_free_decoder_rows_do_not_shrink_to_hide_from_the_penalty(learner, planted):
    rows_nd, _ = planted()
    options = {"architecture": "relu", "n_latents": 64, "max_epochs": 20, "step_rows": 512}
    method = learner(32, decoder_norms="free", **options)
    metrics = train(method, rows_nd, 20)
    lengths_s = method.scorer().dictionary.decoder_sd.norm(dim=1)
    assert float(lengths_s.std()) > 0.01
    unit = train(learner(32, **options), rows_nd, 20)
    assert metrics["l0"] == pytest.approx(unit["l0"], rel=0.3)
    assert metrics["explained_variance"] > unit["explained_variance"] - 0.05


def test_the_scorer_has_the_moving_average_of_the_weights(learner, planted):
    rows_nd, _ = planted(n=512)
    method = learner(32, n_latents=48, k=4, ema=3, resample_every=0)
    method.initialize(rows_nd)
    torch.testing.assert_close(
        method.scorer().dictionary.decoder_sd, method.state_dict()["decoder_sd"]
    )
    average_sd = torch.zeros(48, 32)
    for share in (1, 1 / 2, 1 / 3, 1 / 3, 1 / 3):
        method.update(rows_nd)
        last_sd = method.state_dict()["decoder_sd"]
        average_sd += share * (last_sd - average_sd)
    found_sd = method.scorer().dictionary.decoder_sd
    torch.testing.assert_close(found_sd, torch.nn.functional.normalize(average_sd, dim=1))
    assert not torch.allclose(found_sd, last_sd)


def test_nested_prefixes_reconstruct_better_than_the_same_latents_of_a_whole(learner, planted):
    rows_nd, _ = planted()
    errors = {}
    for prefixes in ((), (8, 24)):
        method = learner(32, n_latents=64, k=3, prefixes=prefixes, max_epochs=30, step_rows=512)
        train(method, rows_nd, 30)
        scorer = method.scorer()
        latents_ns = scorer(rows_nd)
        latents_ns[:, 8:] = 0
        errors[prefixes] = float((scorer.dictionary.decode(latents_ns) - rows_nd).square().sum())
    assert errors[(8, 24)] < 0.95 * errors[()]


def test_passes_make_the_steps(learner):
    method = learner(4, n_latents=8, k=2, steps=100, step_rows=10)
    method.plan(95)
    assert method.max_epochs == 10
    assert learner(4, n_latents=8, k=2, steps=100, max_epochs=3).max_epochs == 3


def test_the_schedule_rises_holds_and_falls():
    config = SaeConfig(learning_rate=1.0, warm_up=0.1, decay=0.2, sparsity_warm_up=0.5)
    schedule = Schedule.of(config, 64, 100)
    assert [schedule.rate(step) for step in (0, 4, 9, 50, 80, 90, 99, 100)] == pytest.approx(
        [0.1, 0.5, 1.0, 1.0, 1.0, 0.5, 0.05, 0.0]
    )
    assert [schedule.warmth(step) for step in (0, 24, 49, 99)] == pytest.approx([0.02, 0.5, 1, 1])


def test_the_default_rate_is_that_of_its_sources():
    assert default_learning_rate(2**14, 10**6) == pytest.approx(2e-4)
    assert default_learning_rate(2**12, 10**6) == pytest.approx(4e-4)
    assert default_learning_rate(2048, 700) == pytest.approx(3e-3, rel=0.02)
    assert default_learning_rate(16, 1) == 1e-2


@pytest.mark.parametrize(
    ("d_model", "options", "expected"),
    [
        (768, {}, Size(4096, 32)),
        (112, {}, Size(4096, 28)),
        (16, {}, Size(128, 4)),
        (1, {}, Size(1, 1)),
        (768, {"n_latents": 24}, Size(24, 24)),
        (16, {"n_latents": 500, "k": 9}, Size(500, 9)),
        (16, {"k": 9}, Size(128, 9)),
    ],
)
def test_narrow_activations_get_few_latents(d_model, options, expected):
    assert Size.of(SaeConfig(**options), d_model) == expected


@pytest.mark.slow
def test_without_options_few_latents_of_narrow_activations_die(learner):
    images_nyx = torch.from_numpy(load_digits().images[::2]).float() / 16
    rows_nd = images_nyx.unfold(1, 4, 1).unfold(2, 4, 1).reshape(-1, 16)
    method = learner(16)
    method.plan(len(rows_nd))
    assert train(method, rows_nd, method.max_epochs, batch=2048)["dead"] < 0.05
    assert method.scorer().n_prototypes == 128


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 9}, "k = 9 of 8"),
        ({"k": 2, "prefixes": (4, 4)}, "prefixes"),
        ({"k": 2, "decoder_norms": "free"}, "only the penalty of 'relu'"),
        ({"k": 2, "prefixes": (4, 8)}, "prefixes"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message, learner):
    with pytest.raises(ConfigError, match=message):
        learner(4, n_latents=8, **options)


def test_a_sample_of_equal_rows_is_refused(learner):
    with pytest.raises(DataError, match="do not vary"):
        learner(4, n_latents=8, k=2).initialize(torch.ones(5, 4))
