"""Centres that point the same way: what clusters collapse to when the temperature is too high."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from traits_core import ProductRoute
from traits_plugin_softcluster.centres import choosing_route
from traits_plugin_softcluster.posteriors import DOUBT

COSINE: Final = 0.999


def duplicates(centres_kd: Tensor, tile_bk: Tensor) -> Tensor:
    """Which unit centres [K, D] lie within a cosine of 0.999 of an earlier one: bool [K].

    The cosines go to `tile_bk` [rows, K], as many centres at a time as it has rows: those of all
    centres by the fastest product, and in float32 those of the centres that this leaves in doubt.
    """
    every_k = torch.arange(len(centres_kd), device=centres_kd.device)
    route = choosing_route(centres_kd)
    doubtful_k = _near_earlier(route, centres_kd, every_k, COSINE - DOUBT, tile_bk)
    again_c = every_k[doubtful_k]
    plain = ProductRoute.PLAIN
    doubtful_k[again_c] = _near_earlier(plain, centres_kd, again_c, COSINE, tile_bk)
    return doubtful_k


def _near_earlier(
    route: ProductRoute, centres_kd: Tensor, some_c: Tensor, cosine: float, tile_bk: Tensor
) -> Tensor:
    """Which of some centres, by their index, lie within `cosine` of an earlier one: bool [C]."""
    every_k = torch.arange(len(centres_kd), device=centres_kd.device)
    found = []
    for part_b in torch.split(some_c, len(tile_bk)):
        cosines_bk = tile_bk[: len(part_b)]
        route.multiply(centres_kd[part_b], centres_kd, cosines_bk)
        cosines_bk.masked_fill_(every_k >= part_b[:, None], -1)
        found.append(cosines_bk.amax(dim=1) > cosine)
    return torch.cat(found)
