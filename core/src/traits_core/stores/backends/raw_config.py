"""Options of the raw storage; importing them imports no array library."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs.validators import ge, in_

from traits_core.config.fields import option
from traits_core.stores.header import DTYPES


@attrs.frozen(kw_only=True)
class RawConfig:
    """How activations are cut up and rounded."""

    dtype: Literal["float32", "float16", "bfloat16"] = option(
        "float16",
        help="how activations are stored; float16 is refused when a value reaches 65504",
        validator=in_(DTYPES),
    )
    chunk_rows: int = option(
        4096,
        help="rows that a shuffle moves together; made a multiple of whole examples",
        validator=ge(1),
    )
    rows_per_shard: int = option(
        16384,
        help="rows of a file, the least that is committed at once; made a multiple of chunks",
        validator=ge(1),
    )
