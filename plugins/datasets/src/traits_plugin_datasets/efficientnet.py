"""The backbone `efficientnet-lite0`: cells of 16x16 pixels as EfficientNet-Lite0 sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import torch
from safetensors.torch import load
from torch import Tensor

from traits_core import Example, FeatureSpec
from traits_plugin_datasets.config import EfficientNetLite0Config
from traits_plugin_datasets.efficientnet_net import WIDTHS, Network
from traits_plugin_datasets.inputs import image_batch, known_layer
from traits_plugin_datasets.resources import read_resource

NAME: Final = "efficientnet-lite0"
WEIGHTS: Final = "efficientnet-lite0.safetensors"
SHA256: Final = "6eeceaccb5033fd3c0d7877c5411caa7ef75df43389ac3364a56a763432930f5"
CELL: Final = 16
BLOCKS: Final = {f"block-{index}": index for index in range(5, 11)}
"""Layer id to index, counted from 0 as in the published checkpoint: all whose cells are 16x16."""


class EfficientNetLite0:
    """EfficientNet-Lite0, trained on ImageNet. Layer `block-N` is the output of block N, residual included.

    The weights are stored in float16 and computed with in float32.
    """

    def __init__(self, config: EfficientNetLite0Config, *, device: torch.device | str) -> None:
        self._size = config.image_size
        self._device = torch.device(device)
        weights = load(read_resource(WEIGHTS, SHA256))
        with torch.device("meta"):  # no random weights, which would draw from the global generator
            self._network = Network()
        floats = {name: value.float() for name, value in weights.items()}
        self._network.load_state_dict(floats, assign=True)
        self._network.eval().requires_grad_(False).to(self._device)

    @property
    def layers(self) -> Sequence[str]:
        """`block-5` to `block-10`: they share one grid."""
        return tuple(BLOCKS)

    @property
    def default_layer(self) -> str:
        """`block-10`, the deepest."""
        return "block-10"

    def feature_spec(self, layer: str) -> FeatureSpec:
        """Say what an activation of `layer` is; ConfigError when there is no such layer."""
        side = self._size // CELL
        return FeatureSpec(
            backbone=NAME,
            checkpoint=SHA256[:16],
            layer=layer,
            d_model=WIDTHS[BLOCKS[known_layer(layer, self.layers, NAME)]],
            position="cell",
            grid=(side, side),
            preprocessing=f"resize {self._size}x{self._size} bicubic, (x-127)/128",
        )

    def positions_per_example(self, layer: str) -> int:
        """One per cell: 64 for images of 128 pixels a side."""
        known_layer(layer, self.layers, NAME)
        return (self._size // CELL) ** 2

    @torch.no_grad()
    def __call__(self, examples: Sequence[Example], layers: Sequence[str]) -> Mapping[str, Tensor]:
        """Return float32 [B, cells, D] per layer, cells row-major, from one forward pass.

        Raises DataError for an example without an image, ConfigError for an unknown layer.
        """
        wanted = {layer: BLOCKS[known_layer(layer, self.layers, NAME)] for layer in layers}
        pixels_bchw = image_batch(examples, self._size, NAME).to(self._device).float()
        outputs = self._network((pixels_bchw - 127) / 128, frozenset(wanted.values()))
        return {
            layer: outputs[block].flatten(2).transpose(1, 2).contiguous()
            for layer, block in wanted.items()
        }
