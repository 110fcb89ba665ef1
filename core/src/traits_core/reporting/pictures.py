"""Pictures and heat-maps as data URIs, so that a page needs nothing but itself; texts as shaded pieces."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from PIL import Image

from traits_core.reporting.colormap import colours
from traits_core.reporting.content import Exemplar, TraitPanel
from traits_core.reporting.numbers import show
from traits_core.reporting.passages import Piece, pieces
from traits_core.reporting.ranking import short_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_SIDE = 160
PIXEL_ART_SIDE = 40
VEIL, GLOW = 0.5, 0.32


@attrs.frozen(kw_only=True)
class Cell:
    """A rectangle of a picture, in percent of its sides."""

    left: float
    top: float
    width: float
    height: float


@attrs.frozen(kw_only=True)
class Picture:
    """One exemplar, ready to be drawn; `heat` is an image to lay over `source`. A text has `pieces`."""

    source: str = ""
    pieces: tuple[Piece, ...] = ()
    heat: str | None = None
    hottest: Cell | None = None
    pixelated: bool = False
    caption: str
    alt: str
    positive: bool
    score: str


@attrs.frozen(kw_only=True)
class PanelView:
    """One panel, its pictures coloured on one scale from `low` to `high`."""

    name: str
    panel: TraitPanel
    pictures: tuple[Picture, ...]
    n_hits: int
    low: float
    high: float

    @property
    def has_heat(self) -> bool:
        return not np.isnan(self.high)


def panel_view(panel: TraitPanel) -> PanelView:
    """Encode the pictures of a panel; their heat-maps share one colour scale.

    The scale goes from the median of all cells, and what is below it, to the highest.
    """
    low, high = _scale(panel.exemplars)
    pictures = tuple(_picture(exemplar, panel.trait, low, high) for exemplar in panel.exemplars)
    return PanelView(
        name=short_name(panel.trait, panel.group),
        panel=panel,
        pictures=pictures,
        n_hits=sum(exemplar.positive for exemplar in panel.exemplars),
        low=low,
        high=high,
    )


def _scale(exemplars: tuple[Exemplar, ...]) -> tuple[float, float]:
    """Median and maximum of all cells: scores such as squared distances have long tails below."""
    finite = [
        exemplar.heat_hw[np.isfinite(exemplar.heat_hw)]
        for exemplar in exemplars
        if exemplar.heat_hw is not None
    ]
    values = np.concatenate([*finite, np.empty(0, np.float32)])
    return (float(np.median(values)), float(values.max())) if values.size else (np.nan, np.nan)


def _picture(exemplar: Exemplar, trait: str, low: float, high: float) -> Picture:
    heat_hw = exemplar.heat_hw
    if heat_hw is not None and not np.isfinite(heat_hw).any():
        heat_hw = None
    picture = Picture(
        caption=exemplar.caption,
        alt=f"{exemplar.caption or 'picture'} ({'has' if exemplar.positive else 'lacks'} {trait})",
        positive=exemplar.positive,
        score=show(float(exemplar.score)),
    )
    if exemplar.image is None:
        heat_p = np.empty(0, np.float32) if heat_hw is None else heat_hw.ravel()
        shaded = pieces(exemplar.text or "", exemplar.spans, heat_p, low, high)
        return attrs.evolve(picture, pieces=shaded)
    return attrs.evolve(
        picture,
        source=_encode_photo(exemplar.image),
        heat=None if heat_hw is None else _encode_heat(heat_hw, low, high),
        hottest=None if heat_hw is None else _hottest(heat_hw),
        pixelated=max(exemplar.image.shape[:2]) <= PIXEL_ART_SIDE,
    )


def _encode_photo(image: NDArray[np.uint8]) -> str:
    """WebP of at most LONGEST_SIDE pixels a side; tiny pictures are kept exactly, as PNG."""
    picture = Image.fromarray(image)
    if max(picture.size) <= PIXEL_ART_SIDE:
        return _data_uri(picture, "png", optimize=True)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return _data_uri(picture, "webp", quality=82, method=4)


def _encode_heat(heat_hw: NDArray[np.float32], low: float, high: float) -> str:
    """One pixel a cell: the colour of its score, and a veil that thins out where it is hot."""
    finite_hw = np.isfinite(heat_hw)
    unit_hw = np.where(finite_hw, heat_hw, low).clip(low) - low
    unit_hw /= high - low or 1.0
    alpha_hw = np.where(finite_hw, VEIL + (GLOW - VEIL) * unit_hw, 0)
    alpha_hw1 = (255 * alpha_hw).round().astype(np.uint8)[..., None]
    rgba_hw4 = np.concatenate([colours(unit_hw), alpha_hw1], axis=-1)
    return _data_uri(Image.fromarray(rgba_hw4), "png", optimize=True)


def _hottest(heat_hw: NDArray[np.float32]) -> Cell:
    rows, columns = heat_hw.shape
    row, column = divmod(int(np.argmax(np.where(np.isfinite(heat_hw), heat_hw, -np.inf))), columns)
    return Cell(
        left=round(100 * column / columns, 3),
        top=round(100 * row / rows, 3),
        width=round(100 / columns, 3),
        height=round(100 / rows, 3),
    )


def _data_uri(picture: Image.Image, kind: str, **options: Any) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
