"""What backbones ask of their callers: images, and layers that exist."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from traits_core import ConfigError, DataError, Example


def image_batch(
    examples: Sequence[Example], size: int, backbone: str, *, gray: bool = False
) -> Tensor:
    """Return the images as uint8 [B, channels, size, size]; bicubic, the aspect ratio is not kept.

    An image that has the size already is not touched. `gray` makes one channel by ITU-R 601 luma.
    Raises DataError for an example without an image.
    """
    channels = 1 if gray else 3
    batch_bhwc = np.empty((len(examples), size, size, channels), np.uint8)
    for row, example in enumerate(examples):
        if example.image is None:
            raise DataError(
                f"example {example.id!r} is no image, and backbone {backbone!r} reads images only: "
                "choose a backbone for text"
            )
        image = Image.fromarray(example.image).resize((size, size), Image.Resampling.BICUBIC)
        pixels = np.asarray(image.convert("L") if gray else image)
        batch_bhwc[row] = pixels.reshape(size, size, channels)
    return torch.from_numpy(batch_bhwc).permute(0, 3, 1, 2)


def known_layer(layer: str, layers: Sequence[str], backbone: str) -> str:
    """Return `layer`; ConfigError when the backbone has no such layer."""
    if layer not in layers:
        raise ConfigError(
            f"backbone {backbone!r} has no layer {layer!r}: choose from {', '.join(layers)}"
        )
    return layer
