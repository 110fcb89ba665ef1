"""The options of this plugin's datasets and backbones."""

from __future__ import annotations

from typing import Any

import attrs
from attrs.validators import and_, ge, le, optional

from traits_core import option

MOST_TOKENS = 510  # MiniLM reads 512, and two are special
LIMIT_HELP = "examples per split, spread evenly over it, for a quick look (default: all)"


def _multiple_of_16(_: Any, field: attrs.Attribute[int], value: int) -> None:
    if value < 16 or value % 16:
        raise ValueError(f"'{field.name}' must be a positive multiple of 16: {value}")


@attrs.frozen(kw_only=True)
class EmojiConfig:
    """Options of the dataset `emoji`."""

    limit: int | None = option(None, help=LIMIT_HELP, validator=optional(ge(1)))


@attrs.frozen(kw_only=True)
class DigitsConfig:
    """Options of the dataset `digits`."""

    limit: int | None = option(None, help=LIMIT_HELP, validator=optional(ge(1)))


@attrs.frozen(kw_only=True)
class PythonSourceConfig:
    """Options of the dataset `python-source`."""

    tokens: int = option(
        64,
        help="MiniLM tokens of each example, at most 510; the same as --backbone.tokens",
        validator=and_(ge(1), le(MOST_TOKENS)),
    )
    limit: int | None = option(None, help=LIMIT_HELP, validator=optional(ge(1)))


@attrs.frozen(kw_only=True)
class EfficientNetLite0Config:
    """Options of the backbone `efficientnet-lite0`."""

    image_size: int = option(
        128,
        help="every image is resized to this many pixels a side, a multiple of 16; a cell is 16x16",
        validator=_multiple_of_16,
    )


@attrs.frozen(kw_only=True)
class PixelsConfig:
    """Options of the backbone `pixels`.

    Raises ValueError when a patch is larger than the image.
    """

    image_size: int = option(
        8, help="every image is resized to this many pixels a side", validator=ge(1)
    )
    patch: int = option(4, help="pixels a side of a patch", validator=ge(1))
    stride: int = option(1, help="pixels from one patch to the next", validator=ge(1))
    gray: bool = option(True, help="one luminance channel instead of red, green, blue")

    def __attrs_post_init__(self) -> None:
        if self.patch > self.image_size:
            raise ValueError(
                f"patch {self.patch} must be at most image_size {self.image_size}: "
                "make the patch smaller or the image larger"
            )


@attrs.frozen(kw_only=True)
class MiniLMConfig:
    """Options of the backbone `minilm`."""

    tokens: int = option(
        64,
        help="the first so many tokens of each text are read, at most 510; shorter texts are refused",
        validator=and_(ge(1), le(MOST_TOKENS)),
    )
