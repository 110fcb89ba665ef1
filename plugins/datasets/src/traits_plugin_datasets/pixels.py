"""The backbone `pixels`: an activation is a square patch of the picture itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from traits_core import Example, FeatureSpec
from traits_plugin_datasets.config import PixelsConfig
from traits_plugin_datasets.inputs import image_batch, known_layer

NAME: Final = "pixels"
LAYERS: Final = ("patches",)


class Pixels:
    """Overlapping patches, values in [0, 1], each flattened as (channel, row, column).

    Pixels on the right and bottom that no whole patch reaches are left out.
    """

    def __init__(self, config: PixelsConfig, *, device: torch.device | str) -> None:
        self._config = config
        self._device = torch.device(device)
        self._side = (config.image_size - config.patch) // config.stride + 1

    @property
    def layers(self) -> Sequence[str]:
        """`patches` alone."""
        return LAYERS

    @property
    def default_layer(self) -> str:
        """`patches`."""
        return LAYERS[0]

    def feature_spec(self, layer: str) -> FeatureSpec:
        """Say what an activation is; ConfigError when there is no such layer."""
        size, patch, stride = self._config.image_size, self._config.patch, self._config.stride
        channels = 1 if self._config.gray else 3
        return FeatureSpec(
            backbone=NAME,
            checkpoint="none",
            layer=known_layer(layer, LAYERS, NAME),
            d_model=channels * patch**2,
            position="patch",
            grid=(self._side, self._side),
            preprocessing=(
                f"resize {size}x{size} bicubic, {'gray' if self._config.gray else 'rgb'}, x/255, "
                f"patch {patch} stride {stride}"
            ),
        )

    def positions_per_example(self, layer: str) -> int:
        """One per patch: 25 for digits, with the default options."""
        known_layer(layer, LAYERS, NAME)
        return self._side**2

    def __call__(self, examples: Sequence[Example], layers: Sequence[str]) -> Mapping[str, Tensor]:
        """Return float32 [B, patches, D], patches row-major.

        Raises DataError for an example without an image, ConfigError for an unknown layer.
        """
        for layer in layers:
            known_layer(layer, LAYERS, NAME)
        patch, stride = self._config.patch, self._config.stride
        size, gray = self._config.image_size, self._config.gray
        pixels_bchw = image_batch(examples, size, NAME, gray=gray).to(self._device).float() / 255
        patches_bcyxhw = pixels_bchw.unfold(2, patch, stride).unfold(3, patch, stride)
        patches_bpd = patches_bcyxhw.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
        return dict.fromkeys(layers, patches_bpd)
