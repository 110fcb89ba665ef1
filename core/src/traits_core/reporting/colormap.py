"""A perceptual colour scale: inferno, by its colours at every tenth, interpolated linearly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANCHORS = [
    "#000004",
    "#160b39",
    "#420a68",
    "#6a176e",
    "#932667",
    "#bc3754",
    "#dd513a",
    "#f37819",
    "#fca50a",
    "#f6d746",
    "#fcffa4",
]
_ANCHORS_A3 = np.array([[int(a[i : i + 2], 16) for i in (1, 3, 5)] for a in ANCHORS], np.float32)


def colours(unit_hw: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Map values in [0, 1] to uint8 RGB, with one more axis of three at the end."""
    places = np.linspace(0, 1, len(ANCHORS))
    channels = [np.interp(unit_hw, places, _ANCHORS_A3[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def css_gradient() -> str:
    """The scale from left (0) to right (1), for a legend."""
    return f"linear-gradient(to right, {', '.join(ANCHORS)})"
