"""Options of the saev format; importing them does not import numpy."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs.validators import ge, in_

from traits_core.config.fields import option

FAMILIES = (
    "clip",
    "bird-mae",
    "dinov2",
    "dinov3",
    "fake-clip",
    "pe-core",
    "pe-spatial",
    "siglip",
)


@attrs.frozen(kw_only=True)
class SaevConfig:
    """Which tokens are read, and what saev's metadata says of what is written."""

    tokens: Literal["content", "cls", "all"] = option(
        "content",
        help="rows that are read of each example: its content tokens, its CLS token, or CLS first and all",
    )
    family: str = option(
        "clip",
        help="model family in written metadata: saev knows eight, any of which may stand for another",
        validator=in_(FAMILIES),
    )
    max_tokens_per_shard: int = option(
        2_400_000,
        help="tokens of a written file at most, all layers counted; a whole example fits at least",
        validator=ge(1),
    )
