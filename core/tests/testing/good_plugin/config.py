"""The options of the good plugin."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs.validators import ge

from traits_core import option


@attrs.frozen(kw_only=True)
class GoodMethodConfig:
    n_prototypes: int = option(64, help="number of prototypes", validator=ge(1))
    max_epochs: int = option(2, help="passes", validator=ge(1))
    start: Literal["rows", "zeros"] = option("rows", help="where prototypes begin")


@attrs.frozen(kw_only=True)
class GoodDatasetConfig:
    n: int = option(12, help="examples per split", validator=ge(2))


@attrs.frozen(kw_only=True)
class GoodBackboneConfig:
    pass


@attrs.frozen(kw_only=True)
class GoodStorageConfig:
    dtype: Literal["float32", "float16", "bfloat16"] = option("float32", help="of activations")


@attrs.frozen(kw_only=True)
class GoodProbeConfig:
    block: int = option(256, help="prototypes read at a time", validator=ge(1))


@attrs.frozen(kw_only=True)
class GoodFormatConfig:
    block: int = option(64, help="rows copied at a time", validator=ge(1))


@attrs.frozen(kw_only=True)
class GoodTrackerConfig:
    pass
