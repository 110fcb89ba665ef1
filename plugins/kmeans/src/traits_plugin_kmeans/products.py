"""Which matrix product finds nearest centroids fastest on this processor without changing a label."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final

import torch
from torch import Tensor

UNIT_ROUNDOFF: Final = 2.0**-8  # of bfloat16
PROBED: Final = (256, 192, 320)  # rows, columns, centroids: enough that oneDNN takes them


class Route(Enum):
    """How rows are multiplied with centroids.

    PLAIN: float32, as torch does it
    ONEDNN: float32 by oneDNN, which knows instructions that the default library does not use here
    SCREENED: bfloat16 with float32 sums; whoever reads the result must check close calls
    """

    PLAIN = "plain"
    ONEDNN = "oneDNN"
    SCREENED = "screened"

    def multiply(self, rows_bd: Tensor, centroids_kd: Tensor, out_bk: Tensor) -> None:
        """Write `rows_bd @ centroids_kd.T` to `out_bk`, all of them float32."""
        if self is Route.PLAIN:
            torch.mm(rows_bd, centroids_kd.T, out=out_bk)
            return
        with _onednn_products():
            torch.mm(rows_bd, centroids_kd.T, out=out_bk)


def route_for(device: torch.device) -> Route:
    """The route on a device: what `probed_route` found on a CPU, PLAIN elsewhere."""
    return probed_route() if device.type == "cpu" else Route.PLAIN


@functools.cache
def probed_route() -> Route:
    """The route that the errors of a small product against float64 allow on this CPU.

    torch lets oneDNN compute float32 products in bfloat16. Where the processor multiplies bfloat16
    matrices (AMX), that is what happens, at several times the speed; on others, oneDNN goes on in
    float32. The errors tell these apart. No clock is asked: the same processor always gets the same
    route, so that the seed decides everything.
    """
    if not hasattr(torch.backends.mkldnn, "matmul"):  # before torch 2.9
        return Route.PLAIN
    b, d, k = PROBED
    generator = torch.Generator().manual_seed(0)
    rows_bd = torch.randn(b, d, generator=generator, dtype=torch.float32)
    centroids_kd = torch.randn(k, d, generator=generator, dtype=torch.float32)
    exact_bk = rows_bd.double() @ centroids_kd.double().T
    errors = {}
    for route in (Route.PLAIN, Route.SCREENED):
        product_bk = torch.empty(b, k, dtype=torch.float32)
        route.multiply(rows_bd, centroids_kd, product_bk)
        errors[route] = float((product_bk - exact_bk).abs().max())
    rounding = UNIT_ROUNDOFF * float(rows_bd.norm(dim=1).max() * centroids_kd.norm(dim=1).max())
    if errors[Route.SCREENED] == errors[Route.PLAIN]:
        return Route.PLAIN  # the flag is not listened to
    if errors[Route.SCREENED] <= 4 * errors[Route.PLAIN]:
        return Route.ONEDNN
    return Route.SCREENED if errors[Route.SCREENED] <= rounding else Route.PLAIN


@contextmanager
def _onednn_products() -> Iterator[None]:
    """Let oneDNN have float32 products, and choose their precision; put back what was set."""
    settings: Any = getattr(torch.backends.mkldnn, "matmul")  # noqa: B009  # torch does not declare it
    before = settings.fp32_precision
    settings.fp32_precision = "bf16"
    try:
        yield
    finally:
        settings.fp32_precision = before
