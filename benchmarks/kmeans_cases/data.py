"""Rows to cluster: patches of pictures that packages ship, a planted mixture, and activation-like rows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

SIDE: Final = 8
DRAWN: Final = {
    "chessboard_GRAY.png",
    "chessboard_RGB.png",
    "color.png",
    "horse.png",
    "logo.png",
    "phantom.png",
}


def pictures() -> dict[str, NDArray[np.uint8]]:
    """Every png and jpg that scikit-learn and scikit-image ship, by name: [height, width, 3].

    Grey ones have three equal channels, and transparency is left out.
    """
    import skimage
    import sklearn
    from skimage.io import imread

    folders = (
        Path(sklearn.__file__).parent / "datasets" / "images",
        Path(skimage.__file__).parent / "data",
    )
    paths = [path for folder in folders for path in sorted(folder.iterdir())]
    images = {path.name: imread(path) for path in paths if path.suffix in (".png", ".jpg")}
    return {
        name: np.stack([image] * 3, axis=2) if image.ndim == 2 else image[:, :, :3]
        for name, image in images.items()
    }


def patches(n: int) -> Tensor:
    """Random patches [N, 192] of all pictures, about equally many of each."""
    images = list(pictures().values())
    return _patches(images, np.ones(len(images)), n)


def photographs(n: int) -> Tensor:
    """Random patches [N, 192] of the pictures that nobody drew, all places equally likely."""
    images = [image for name, image in pictures().items() if name not in DRAWN]
    places = [(len(image) - SIDE + 1) * (len(image[0]) - SIDE + 1) for image in images]
    return _patches(images, np.array(places, dtype=float), n)


def _patches(images: list[NDArray[np.uint8]], weights: NDArray[np.float64], n: int) -> Tensor:
    """Random 8 x 8 x 3 patches [N, 192] in [0, 1], of each image in proportion to its weight."""
    rng = np.random.default_rng(0)
    parts = []
    for share, image in zip(rng.multinomial(n, weights / weights.sum()), images, strict=True):
        view = sliding_window_view(image, (SIDE, SIDE), axis=(0, 1))
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
