from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from traits_core import ProductRoute, product_route
from traits_core.learning import products
from traits_core.learning.products import probed_route

CPU = torch.device("cpu")


@pytest.fixture
def probe(monkeypatch):
    """Probe a processor whose oneDNN products are `product(rows, centroids)`."""

    def run(product):
        def multiply(route, rows_bd, prototypes_kd, out_bk):
            rows_bd = rows_bd if route is ProductRoute.PLAIN else rows_bd.clone()
            exact_bk = rows_bd @ prototypes_kd.T
            out_bk.copy_(
                exact_bk if route is ProductRoute.PLAIN else product(rows_bd, prototypes_kd)
            )

        monkeypatch.setattr(ProductRoute, "multiply", multiply)
        probed_route.cache_clear()
        return probed_route()

    yield run
    probed_route.cache_clear()


def test_products_in_bfloat16_are_screened(probe):
    assert (
        probe(lambda x, c: x.bfloat16().float() @ c.bfloat16().float().T) is ProductRoute.SCREENED
    )


def test_products_in_another_float32_are_taken_as_they_are(probe):
    assert probe(lambda x, c: (x.double() @ c.double().T).float()) is ProductRoute.ONEDNN


def test_the_same_products_need_no_route_of_their_own(probe):
    assert probe(lambda x, c: x @ c.T) is ProductRoute.PLAIN


@pytest.mark.parametrize(
    "product",
    [
        lambda x, c: (x.bfloat16() @ c.bfloat16().T).float() * 1.2,
        lambda x, c: torch.full((len(x), len(c)), torch.nan),
    ],
    ids=["wrong", "NaN"],
)
def test_products_that_are_wrong_are_refused(probe, product):
    assert probe(product) is ProductRoute.PLAIN


def test_products_that_torch_does_not_have_are_not_asked_for(probe):
    def missing(rows_bd, prototypes_kd):
        raise NotImplementedError("'aten::mm.dtype_out' is not available")

    assert probe(missing) is ProductRoute.PLAIN


def test_only_processors_and_gpus_of_cuda_are_probed():
    assert product_route(torch.device("meta")) is ProductRoute.PLAIN


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_products_in_bfloat16_on_a_gpu_have_float32_sums():
    cuda = torch.device("cuda")
    if product_route(cuda) is ProductRoute.PLAIN:
        pytest.skip("this GPU has no bfloat16")
    rows_bd = torch.full((64, 4096), 1.0, device=cuda)
    product_bk = torch.empty(64, 64, device=cuda)
    ProductRoute.SCREENED.multiply(rows_bd, rows_bd + 2**-7, product_bk)
    assert (product_bk == 4096 + 32).all()


def test_each_route_of_this_processor_is_as_precise_as_it_says():
    generator = torch.Generator().manual_seed(1)
    rows_bd = torch.randn(300, 200, generator=generator)
    prototypes_kd = torch.randn(150, 200, generator=generator)
    exact_bk = rows_bd.double() @ prototypes_kd.double().T
    route, product_bk = product_route(CPU), torch.empty(300, 150)
    route.multiply(rows_bd, prototypes_kd, product_bk)
    bound = 1.0 if route is ProductRoute.SCREENED else 1e-4
    assert (product_bk - exact_bk).abs().max() < bound


@pytest.mark.parametrize("precision", ["highest", "medium"])
def test_multiplying_leaves_the_precision_of_torch_alone(precision):
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        ProductRoute.SCREENED.multiply(torch.ones(64, 64), torch.ones(64, 64), torch.empty(64, 64))
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)


def test_an_error_leaves_the_precision_of_torch_alone():
    with pytest.raises(RuntimeError):
        ProductRoute.SCREENED.multiply(torch.ones(4, 4), torch.ones(4, 5), torch.empty(4, 4))
    assert torch.get_float32_matmul_precision() == "highest"


def test_a_torch_without_the_switch_multiplies_plainly(monkeypatch):
    monkeypatch.delattr(type(torch.backends.mkldnn), "matmul", raising=False)
    probed_route.cache_clear()
    assert products.probed_route() is ProductRoute.PLAIN
    probed_route.cache_clear()


def test_threads_that_multiply_at_once_leave_the_precision_of_torch_alone():
    rows_bd, out_bk = torch.ones(64, 64), torch.empty(4, 64, 64)

    def work(thread):
        for _ in range(300):
            ProductRoute.SCREENED.multiply(rows_bd, rows_bd, out_bk[thread])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert torch.get_float32_matmul_precision() == "highest"
    assert torch.backends.mkldnn.matmul.fp32_precision != "bf16"


def test_plain_products_are_the_same_beside_threads_that_multiply_otherwise():
    generator = torch.Generator().manual_seed(0)
    rows_bd, prototypes_kd = torch.randn(256, 256, generator=generator), torch.eye(256)
    out_bk = torch.empty(4, 256, 256)

    def work(thread):
        route = ProductRoute.SCREENED if thread < 2 else ProductRoute.PLAIN
        same = []
        for _ in range(100):
            route.multiply(rows_bd, prototypes_kd, out_bk[thread])
            same.append(torch.equal(out_bk[thread], rows_bd))
        return thread < 2 or all(same)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
