"""The fastest product of rows and prototypes that this processor or GPU has, and how precise it is."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final

import torch
from torch import Tensor

BFLOAT16_ROUNDOFF: Final = 2.0**-8  # the largest relative error of a number, rounded or cut off
PROBED: Final = (256, 192, 320)  # rows, columns, prototypes: enough that oneDNN takes them


class ProductRoute(Enum):
    """How rows are multiplied with prototypes.

    While one of the others is at work on a CPU, a product of another thread is only right when it is a
    `multiply` too: torch has one setting of precision for all threads. So scorers, which several threads call
    at once beside scorers of other plugins, use PLAIN.

    PLAIN: float32, as torch does it
    ONEDNN: float32 by oneDNN, which knows instructions that the default library does not use here
    SCREENED: bfloat16 with float32 sums; whoever reads the result must check close calls
    """

    PLAIN = "plain"
    ONEDNN = "oneDNN"
    SCREENED = "screened"

    def multiply(self, rows_bd: Tensor, prototypes_kd: Tensor, out_bk: Tensor) -> None:
        """Write `rows_bd @ prototypes_kd.T` to `out_bk`, all of them float32."""
        if rows_bd.is_cuda and self is ProductRoute.SCREENED:
            rounded_dk = prototypes_kd.bfloat16().T
            torch.mm(rows_bd.bfloat16(), rounded_dk, out_dtype=torch.float32, out=out_bk)
            return
        plain = self is ProductRoute.PLAIN
        with _PRECISION.kept() if plain else _PRECISION.changed():
            torch.mm(rows_bd, prototypes_kd.T, out=out_bk)


def product_route(device: torch.device) -> ProductRoute:
    """The route on a device: what `probed_route` finds on a CPU or a GPU of CUDA, PLAIN elsewhere."""
    return probed_route(device.type) if device.type in ("cpu", "cuda") else ProductRoute.PLAIN


@functools.cache
def probed_route(device_type: str = "cpu") -> ProductRoute:
    """The route that the errors of a small product against float64 allow on this CPU or GPU.

    A GPU is asked for products of bfloat16 with float32 sums and results, which some versions of torch
    and some GPUs do not have. On a CPU, torch lets oneDNN compute float32 products in bfloat16. Where
    the processor multiplies bfloat16 matrices (AMX), that is what happens, at several times the speed;
    on others, oneDNN goes on in float32. The errors tell these apart. No clock is asked: the same
    processor always gets the same route, so that the seed decides everything.
    """
    on_cpu = device_type == "cpu"
    if on_cpu and not hasattr(torch.backends.mkldnn, "matmul"):  # before torch 2.9
        return ProductRoute.PLAIN
    b, d, k = PROBED
    generator = torch.Generator().manual_seed(0)
    rows_bd = torch.randn(b, d, generator=generator, dtype=torch.float32).to(device_type)
    prototypes_kd = torch.randn(k, d, generator=generator, dtype=torch.float32).to(device_type)
    exact_bk = rows_bd.double() @ prototypes_kd.double().T
    errors = {}
    for route in (ProductRoute.PLAIN, ProductRoute.SCREENED):
        product_bk = torch.empty_like(exact_bk, dtype=torch.float32)
        try:
            route.multiply(rows_bd, prototypes_kd, product_bk)
        except (RuntimeError, TypeError):  # there is no such product
            return ProductRoute.PLAIN
        errors[route] = float((product_bk - exact_bk).abs().max())
    rounding = BFLOAT16_ROUNDOFF * float(
        rows_bd.norm(dim=1).max() * prototypes_kd.norm(dim=1).max()
    )
    if errors[ProductRoute.SCREENED] == errors[ProductRoute.PLAIN]:
        return ProductRoute.PLAIN  # the flag is not listened to
    if on_cpu and errors[ProductRoute.SCREENED] <= 4 * errors[ProductRoute.PLAIN]:
        return ProductRoute.ONEDNN
    return (
        ProductRoute.SCREENED if errors[ProductRoute.SCREENED] <= rounding else ProductRoute.PLAIN
    )


class _Precision:
    """torch's setting: kept as it is by any number of products at once, or changed by one that is alone."""

    def __init__(self) -> None:
        self._changing = threading.Condition()
        self._keeping = 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Nobody changes it meanwhile."""
        with self._changing:
            self._keeping += 1
        try:
            yield
        finally:
            with self._changing:
                self._keeping -= 1
                self._changing.notify_all()

    @contextmanager
    def changed(self) -> Iterator[None]:
        """oneDNN has float32 products, and chooses their precision; what was set is put back."""
        settings: Any = getattr(torch.backends.mkldnn, "matmul")  # noqa: B009  # torch does not declare it
        with self._changing:
            self._changing.wait_for(lambda: not self._keeping)
            before = settings.fp32_precision
            settings.fp32_precision = "bf16"
            try:
                yield
            finally:
                settings.fp32_precision = before


_PRECISION: Final = _Precision()
