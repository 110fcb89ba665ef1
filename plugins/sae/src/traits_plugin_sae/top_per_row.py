"""The largest pre-activations of each row, a tile of rows at a time: no matrix of rows x latents."""

from __future__ import annotations

from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_plugin_sae.active import entry_products
from traits_plugin_sae.weights import Weights

TILE_VALUES: Final = {"cpu": 1 << 23, "cuda": 1 << 28}
LEAST_TILE: Final = 64
GROUPS: Final = 8


@attrs.frozen(eq=False)
class TopPerRow:
    """Finds the largest pre-activations of rows; keeps the tile that the encoder writes to.

    Parameters
    ----------
    tile_ts: [tile rows, S], float32; or bfloat16, in which latents are then chosen
    """

    tile_ts: Tensor

    @classmethod
    def of(cls, n_latents: int, device: torch.device, dtype: torch.dtype = torch.float32) -> Self:
        """With a tile of 32 MiB on a CPU, of 1 GiB on a GPU, or of 64 rows if these need more."""
        values = TILE_VALUES.get(device.type, TILE_VALUES["cpu"])
        rows = max(LEAST_TILE, values // n_latents)
        return cls(torch.empty(rows, n_latents, dtype=dtype, device=device))

    def __call__(self, weights: Weights, centred_bd: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The `k` largest pre-activations of rows [B, D]: float32 [B, k], and whose: int64 [B, k]."""
        dtype = self.tile_ts.dtype
        encoder_sd, bias_s = weights.encoder_sd.to(dtype), weights.encoder_bias_s.to(dtype)
        values_bk = centred_bd.new_empty(len(centred_bd), k)
        latents_bk = torch.empty_like(values_bk, dtype=torch.int64)
        for start in range(0, len(centred_bd), len(self.tile_ts)):
            rows_td = centred_bd[start : start + len(self.tile_ts)].to(dtype)
            tile_ts = self.tile_ts[: len(rows_td)]
            torch.addmm(bias_s, rows_td, encoder_sd.T, out=tile_ts)
            part = slice(start, start + len(rows_td))
            values_bk[part], latents_bk[part] = largest(tile_ts, k)
        if dtype != torch.float32:
            values_bk = _exact(weights, centred_bd, latents_bk)
        return values_bk, latents_bk


def _exact(weights: Weights, centred_bd: Tensor, latents_bk: Tensor) -> Tensor:
    """The float32 pre-activations of chosen latents: bfloat16 only decides which they are."""
    n_rows, k = latents_bk.shape
    starts_b = torch.arange(0, n_rows * k, k, device=latents_bk.device)
    latents_e = latents_bk.flatten()
    products_e = entry_products(latents_e, starts_b, weights.encoder_sd, centred_bd)
    return (products_e + weights.encoder_bias_s[latents_e]).view(n_rows, k)


def largest(values_bs: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The `k` largest of each row [B, k], unordered, and their places; as `topk`, but faster.

    Groups of 8 columns are compared by their maxima first: the k largest lie in the k groups with
    the largest maxima.
    """
    n_rows, n_columns = values_bs.shape
    size = n_columns // GROUPS
    if n_columns % GROUPS or size < 4 * k:
        top = values_bs.topk(k, dim=1, sorted=False)
        return top.values, top.indices
    maxima_bg = values_bs.view(n_rows, GROUPS, size).amax(dim=1)
    groups_bk = maxima_bg.topk(k, dim=1, sorted=False).indices
    members_m = torch.arange(0, n_columns, size, device=values_bs.device)
    places_bj = (groups_bk[:, :, None] + members_m).flatten(1)
    top = values_bs.gather(1, places_bj).topk(k, dim=1, sorted=False)
    return top.values, places_bj.gather(1, top.indices)
