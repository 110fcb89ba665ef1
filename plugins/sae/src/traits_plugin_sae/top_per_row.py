"""The largest pre-activations of each row, a tile of rows at a time: no matrix of rows x latents."""

from __future__ import annotations

from typing import Final, Self

import attrs
import torch
from torch import Tensor

from traits_core import largest_per_row
from traits_plugin_sae.active import entry_products
from traits_plugin_sae.weights import Weights

TILE_VALUES: Final = {"cpu": 1 << 23, "cuda": 1 << 28}
LEAST_TILE: Final = 64


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
            values_bk[part], latents_bk[part] = largest_per_row(tile_ts, k)
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
