"""Memberships that are chosen in bfloat16 are those of float32."""

import pytest
import torch

from traits_core import ProductRoute
from traits_plugin_softcluster import centres as centres_module
from traits_plugin_softcluster import posteriors
from traits_plugin_softcluster.centres import Centres, softmax_tile
from traits_plugin_softcluster.members import Members

CPU = torch.device("cpu")
N_CLUSTERS, D_MODEL = 512, 192


@pytest.fixture
def coarse(monkeypatch) -> dict[ProductRoute, int]:
    """Make this processor one that multiplies in bfloat16; says how many rows each product had."""
    rows = dict.fromkeys(ProductRoute, 0)

    def multiply(route, rows_bd, prototypes_kd, out_bk):
        rows[route] += len(rows_bd)
        if route is not ProductRoute.PLAIN:
            rows_bd, prototypes_kd = rows_bd.bfloat16().float(), prototypes_kd.bfloat16().float()
        torch.mm(rows_bd, prototypes_kd.T, out=out_bk)

    monkeypatch.setattr(ProductRoute, "multiply", multiply)
    monkeypatch.setattr(centres_module, "product_route", lambda device: ProductRoute.SCREENED)
    return rows


def mixture(noise, seed=0):
    """Unit centres, and rows around them: at a larger `noise` they belong to more of them."""
    generator = torch.Generator().manual_seed(seed)
    unit = torch.nn.functional.normalize
    centres_kd = unit(torch.randn(N_CLUSTERS // 4, D_MODEL, generator=generator), dim=1)
    centres_kd = centres_kd.repeat(4, 1)
    centres_kd += 0.3 * torch.randn(centres_kd.shape, generator=generator) / D_MODEL**0.5
    rows_nd = torch.randn(3000, D_MODEL, generator=generator) * noise / D_MODEL**0.5
    return unit(rows_nd + centres_kd[torch.arange(3000) % 100], dim=1), unit(centres_kd, dim=1)


def exact(rows_nd, centres_kd, temperature, n, least):
    """In float64: weights [N, K], logs of the denominators, and where no membership is near `least`."""
    logits_nk = rows_nd.double() @ centres_kd.double().T / temperature
    soft_nk = logits_nk.softmax(dim=1)
    clear_n = ((soft_nk / least - 1).abs() > 2e-3).all(dim=1)
    least_n1 = soft_nk.amax(dim=1, keepdim=True).clamp(max=least)
    top = soft_nk.topk(n, dim=1)
    kept_nk = torch.zeros_like(soft_nk).scatter_(1, top.indices, top.values)
    kept_nk.masked_fill_(kept_nk < least_n1, 0)
    return kept_nk / kept_nk.sum(dim=1, keepdim=True), logits_nk.logsumexp(dim=1), clear_n


@pytest.mark.parametrize("temperature", [0.01, 0.03, 0.1])
@pytest.mark.parametrize("noise", [0.5, 2.0, 8.0])
@pytest.mark.parametrize("n", [3, 16])
def test_rough_products_change_no_membership(coarse, temperature, noise, n):
    rows_nd, centres_kd = mixture(noise)
    centres, tile_bk = Centres(centres_kd, temperature), softmax_tile(N_CLUSTERS, CPU)
    found = Members.of(rows_nd, centres, n, 0.01, tile_bk)
    weights_nk = torch.zeros(len(rows_nd), N_CLUSTERS)
    weights_nk.scatter_(1, found.clusters_bj, found.weights_bj)
    expected_nk, log_totals_n, clear_n = exact(rows_nd, centres_kd, temperature, n, 0.01)
    assert clear_n.double().mean() > 0.8
    torch.testing.assert_close(
        weights_nk[clear_n].double(), expected_nk[clear_n], rtol=1e-3, atol=1e-6
    )
    objective_n = temperature * (log_totals_n - torch.tensor(float(N_CLUSTERS)).log())
    off_n = found.soft_maxima_b.double() - objective_n
    assert float(off_n.abs().max()) < 1e-4
    assert abs(float(off_n.mean())) < 1e-5
    assert coarse[ProductRoute.SCREENED] == len(rows_nd)


def test_rough_memberships_alone_would_be_others(coarse):
    rows_nd, centres_kd = mixture(0.5)
    centres, tile_bk = Centres(centres_kd, 0.03), softmax_tile(N_CLUSTERS, CPU)
    rough = centres.logits(rows_nd, tile_bk, ProductRoute.SCREENED).softmax(dim=1)
    soft_nk = centres.softmax(rows_nd, tile_bk)
    assert (rough - soft_nk).abs().max() > 1e-3


@pytest.mark.parametrize("n", [1, 16])
def test_rows_of_few_clusters_are_compared_with_all_centres_only_roughly(coarse, n):
    rows_nd, centres_kd = mixture(0.5)
    Members.of(rows_nd, Centres(centres_kd, 0.03), n, 0.01, softmax_tile(N_CLUSTERS, CPU))
    assert coarse[ProductRoute.PLAIN] == 0


@pytest.mark.parametrize(
    ("temperature", "least", "n"), [(0.03, 0.0, 16), (0.001, 0.01, 16), (0.03, 0.01, N_CLUSTERS)]
)
def test_what_would_be_computed_twice_is_not_screened(coarse, temperature, least, n):
    rows_nd, centres_kd = mixture(2.0)
    tile_bk = softmax_tile(N_CLUSTERS, CPU)
    posteriors.Posteriors.of(rows_nd, Centres(centres_kd, temperature), n, least, tile_bk)
    assert coarse[ProductRoute.SCREENED] == 0


def test_few_centres_and_narrow_rows_are_not_screened(coarse):
    assert Centres(torch.zeros(500, 32), 0.03).route is ProductRoute.PLAIN
    assert Centres(torch.zeros(8, 500), 0.03).route is ProductRoute.PLAIN
    assert Centres(torch.zeros(500, 500), 0.03).route is ProductRoute.SCREENED
