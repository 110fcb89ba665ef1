"""The loss and its gradients, by sparse sums, against a dense graph of the textbook formulas."""

import pytest
import torch
from torch.nn.functional import one_hot

from traits_core import NullComm
from traits_plugin_sae.architectures.batchtopk import BatchTopKArchitecture
from traits_plugin_sae.architectures.gated import GatedArchitecture
from traits_plugin_sae.architectures.jumprelu import JumpReluArchitecture
from traits_plugin_sae.architectures.relu import ReluArchitecture
from traits_plugin_sae.architectures.topk import TopKArchitecture
from traits_plugin_sae.auxiliary import add_auxiliary
from traits_plugin_sae.thresholds import Sketch
from traits_plugin_sae.top_per_row import TopPerRow
from traits_plugin_sae.weights import Weights

CPU = torch.device("cpu")
ROWS, D, S, K = 33, 12, 40, 5
WHOLE = torch.tensor([], dtype=torch.int64)
NESTED = torch.tensor([4, 16])


@pytest.fixture
def rows_bd():
    return torch.randn(ROWS, D, generator=torch.Generator().manual_seed(8))


def leaves_of(weights):
    return Weights.of({n: t.clone().requires_grad_() for n, t in weights.named().items()})


def dense(weights, rows_bd, latents_of, bounds=WHOLE):
    """Loss parts and gradients of a graph in which everything is dense and nothing is cut off."""
    leaves = leaves_of(weights)
    centred_bd = rows_bd - leaves.decoder_bias_d
    pre_bs = centred_bd @ leaves.encoder_sd.T + leaves.encoder_bias_s
    latents_bs, sparsity = latents_of(pre_bs, leaves)
    losses = [
        (latents_bs[:, :width] @ leaves.decoder_sd[:width] - centred_bd).square().sum()
        / len(rows_bd)
        for width in [*bounds.tolist(), S]
    ]
    reconstruction = sum(losses) / len(losses)
    named = leaves.named()
    gradients = torch.autograd.grad(
        reconstruction + sparsity, list(named.values()), allow_unused=True
    )
    return reconstruction, sparsity, dict(zip(named, gradients, strict=True)), latents_bs


def agree(outcome, expected):
    reconstruction, sparsity, gradients, latents_bs = expected
    torch.testing.assert_close(outcome.reconstruction, reconstruction.detach(), rtol=1e-5, atol=0)
    torch.testing.assert_close(
        outcome.sparsity.double(), torch.as_tensor(sparsity).detach().double(), rtol=1e-5, atol=1e-9
    )
    for name, gradient in gradients.items():
        close(outcome.gradients.named()[name], gradient)
    assert torch.equal(outcome.counts_s, (latents_bs > 0).sum(dim=0))


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def step(architecture, weights, rows_bd):
    return architecture.step(weights, rows_bd - weights.decoder_bias_d, len(rows_bd), 1.0)


def top_k(pre_bs, _):
    kept = pre_bs.detach().topk(K, dim=1).indices
    return pre_bs.relu() * one_hot(kept, S).sum(dim=1), 0.0


def batch_top_k(pre_bs, _):
    positive = pre_bs.detach().relu().flatten()
    kept = torch.zeros_like(positive)
    kept[positive.topk(K * ROWS).indices] = 1
    return pre_bs.relu() * kept.view_as(pre_bs), 0.0


@pytest.mark.parametrize("bounds", [WHOLE, NESTED], ids=["whole", "nested"])
def test_topk_equals_a_dense_graph(bounds, weights, rows_bd):
    architecture = TopKArchitecture(K, bounds, TopPerRow.of(S, CPU))
    agree(step(architecture, weights(), rows_bd), dense(weights(), rows_bd, top_k, bounds))


@pytest.mark.parametrize("bounds", [WHOLE, NESTED], ids=["whole", "nested"])
def test_batchtopk_equals_a_dense_graph(bounds, weights, rows_bd):
    rows_bd[:3] *= 6  # these want far more than 2 k latents
    architecture = BatchTopKArchitecture(
        K, bounds, TopPerRow.of(S, CPU), Sketch.empty(CPU), NullComm()
    )
    outcome = step(architecture, weights(), rows_bd)
    agree(outcome, dense(weights(), rows_bd, batch_top_k, bounds))
    assert int(outcome.counts_s.sum()) == K * ROWS


def test_relu_equals_a_dense_graph(weights, rows_bd):
    def latents(pre_bs, leaves):
        norms_s = leaves.decoder_sd.norm(dim=1)
        return pre_bs.relu(), 0.3 * (pre_bs.relu() * norms_s).sum() / ROWS

    weights = weights()
    weights.decoder_sd.mul_(torch.linspace(0.5, 2, S)[:, None])
    agree(step(ReluArchitecture(0.3), weights, rows_bd), dense(weights, rows_bd, latents))


def test_gated_equals_a_dense_graph(weights, rows_bd):
    generator = torch.Generator().manual_seed(1)
    own = {
        name: torch.randn(S, generator=generator) / 4
        for name in ("log_magnitude_s", "magnitude_bias_s")
    }
    weights = weights(**own)

    def latents(pre_bs, leaves):
        magnitudes_bs = pre_bs * leaves.own["log_magnitude_s"].exp()
        magnitudes_bs = (magnitudes_bs + leaves.own["magnitude_bias_s"]).relu()
        # The frozen copy of decoder and bias in the second reconstruction, as in the paper.
        misses_bd = pre_bs.relu() @ weights.decoder_sd + weights.decoder_bias_d - rows_bd
        extra = misses_bd.square().sum() / ROWS + 0.3 * pre_bs.relu().sum() / ROWS
        return magnitudes_bs * (pre_bs > 0), extra

    outcome = step(GatedArchitecture(0.3), weights, rows_bd)
    reconstruction, extra, gradients, latents_bs = dense(weights, rows_bd, latents)
    total = float(outcome.reconstruction + outcome.sparsity)
    assert total == pytest.approx(float((reconstruction + extra).detach()), rel=1e-5)
    for name, gradient in gradients.items():
        close(outcome.gradients.named()[name], gradient)
    assert torch.equal(outcome.counts_s, (latents_bs > 0).sum(dim=0))


def test_jumprelu_follows_the_formulas_of_the_paper(weights, rows_bd):
    bandwidth, penalty, k = 0.2, 0.7, 6
    thresholds_s = 0.1 + 0.3 * torch.rand(S, generator=torch.Generator().manual_seed(2))
    weights = weights(threshold_s=thresholds_s)
    architecture = JumpReluArchitecture(
        k, penalty, bandwidth, TopPerRow.of(S, CPU), Sketch.empty(CPU), NullComm()
    )
    outcome = step(architecture, weights, rows_bd)

    def latents(pre_bs, _):
        return pre_bs * (pre_bs > thresholds_s), 0.0

    reconstruction, _, gradients, latents_bs = dense(weights, rows_bd, latents)
    torch.testing.assert_close(outcome.reconstruction, reconstruction.detach())
    for name in ("encoder_sd", "encoder_bias_s", "decoder_sd", "decoder_bias_d"):
        close(outcome.gradients.named()[name], gradients[name])
    centred_bd = rows_bd - weights.decoder_bias_d
    pre_bs = centred_bd @ weights.encoder_sd.T + weights.encoder_bias_s
    near_bs = ((pre_bs - thresholds_s).abs() < bandwidth / 2).float() / bandwidth
    slopes_bs = 2 * (latents_bs.detach() @ weights.decoder_sd - centred_bd) @ weights.decoder_sd.T
    l0 = float((latents_bs > 0).sum()) / ROWS
    pulls_bs = slopes_bs * thresholds_s + penalty * 2 * (l0 / k - 1) / k
    assert near_bs.any()
    torch.testing.assert_close(
        outcome.gradients.own["threshold_s"], -(near_bs * pulls_bs).sum(dim=0) / ROWS
    )
    assert float(outcome.sparsity) == pytest.approx(penalty * (l0 / k - 1) ** 2, rel=1e-5)


def test_the_auxiliary_loss_equals_a_dense_graph(weights, rows_bd):
    weights, dead = weights(), torch.tensor([3, 7, 8, 31])
    architecture = TopKArchitecture(K, WHOLE, TopPerRow.of(S, CPU))
    outcome = step(architecture, weights, rows_bd)
    before = {name: tensor.clone() for name, tensor in outcome.gradients.named().items()}
    centred_bd = rows_bd - weights.decoder_bias_d
    loss = add_auxiliary(
        weights, outcome.gradients, dead, centred_bd, outcome.errors_bd, 0.25, ROWS, NullComm()
    )

    leaves = leaves_of(weights)
    wanted_bd = -outcome.errors_bd
    pre_bs = (rows_bd - leaves.decoder_bias_d) @ leaves.encoder_sd.T + leaves.encoder_bias_s
    given_bd = pre_bs.relu()[:, dead] @ leaves.decoder_sd[dead]
    variance = (wanted_bd - wanted_bd.mean(dim=0)).square().sum(dim=1).mean()
    expected = 0.25 * (given_bd - wanted_bd).square().sum(dim=1).mean() / variance
    named = leaves.named()
    gradients = torch.autograd.grad(expected, list(named.values()))
    assert float(loss) == pytest.approx(float(expected.detach()), rel=1e-5)
    for (name, tensor), gradient in zip(outcome.gradients.named().items(), gradients, strict=True):
        close(tensor - before[name], gradient)


@pytest.mark.parametrize("name", ["topk", "batchtopk"])
def test_rows_without_a_positive_pre_activation_are_reconstructed_by_the_bias(
    name, weights, rows_bd
):
    weights = weights()
    weights.encoder_bias_s.fill_(-100.0)
    top = TopPerRow.of(S, CPU)
    architecture = (
        TopKArchitecture(K, WHOLE, top)
        if name == "topk"
        else BatchTopKArchitecture(K, WHOLE, top, Sketch.empty(CPU), NullComm())
    )
    outcome = step(architecture, weights, rows_bd)
    centred_bd = rows_bd - weights.decoder_bias_d
    assert float(outcome.reconstruction) == pytest.approx(float(centred_bd.square().sum()) / ROWS)
    assert not outcome.counts_s.any()
    for tensor in outcome.gradients.named().values():
        assert tensor.isfinite().all()
    assert not outcome.gradients.encoder_sd.any()
