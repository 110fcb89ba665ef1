"""Rows to cluster: patches of photographs that packages ship, a planted mixture, and activation-like rows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

SIDE: Final = 8
SHIPPED: Final = (
    *("astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "clock_motion.png"),
    *("coffee.png", "coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png"),
    *("microaneurysms.png", "moon.png", "motorcycle_left.png", "motorcycle_right.png", "page.png"),
    *("retina.jpg", "rocket.jpg", "text.png"),
)


def photographs() -> list[NDArray[np.uint8]]:
    """22 images [height, width, 3]: two that scikit-learn ships, twenty that scikit-image ships."""
    import skimage
    from skimage.io import imread
    from sklearn.datasets import load_sample_images

    directory = Path(skimage.__file__).parent / "data"
    images = [*load_sample_images().images, *(imread(directory / name) for name in SHIPPED)]
    return [np.stack([image] * 3, axis=2) if image.ndim == 2 else image for image in images]


def patches(n: int) -> Tensor:
    """Random 8 x 8 x 3 patches [N, 192] in [0, 1], drawn from all places of all photographs."""
    rng = np.random.default_rng(0)
    images = photographs()
    windows = [sliding_window_view(image, (SIDE, SIDE), axis=(0, 1)) for image in images]
    places = np.array([len(view) * len(view[0]) for view in windows], dtype=float)
    parts = []
    for share, view in zip(rng.multinomial(n, places / places.sum()), windows, strict=True):
        rows, columns = (rng.integers(size, size=share) for size in view.shape[:2])
        parts.append(view[rows, columns].reshape(share, -1))
    rows_nd = np.concatenate(parts)[rng.permutation(n)]
    return torch.from_numpy(rows_nd).float().div_(255)


def mixture(n: int, d_model: int, components: int) -> Tensor:
    """Rows [N, D] of Gaussians of unit variance whose means are about as far apart as rows are."""
    generator = torch.Generator().manual_seed(0)
    means_kd = torch.randn(components, d_model, generator=generator)
    labels_n = torch.randint(components, (n,), generator=generator)
    return means_kd[labels_n] + torch.randn(n, d_model, generator=generator)


def activations(n: int, d_model: int, components: int) -> Tensor:
    """Rows [N, D] of a mixture with a power-law spectrum, and a mean of 3 in every dimension."""
    generator = torch.Generator().manual_seed(0)
    deviations_d = torch.arange(1, d_model + 1).float().pow(-0.5)
    means_kd = torch.randn(components, d_model, generator=generator) * deviations_d
    rows_nd = torch.empty(n, d_model)
    for part_bd in rows_nd.split(8192):
        labels_b = torch.randint(components, (len(part_bd),), generator=generator)
        part_bd.normal_(generator=generator).mul_(deviations_d).add_(means_kd[labels_b]).add_(3)
    return rows_nd
