"""Options of the npz format; importing them does not import numpy."""

from __future__ import annotations

import attrs
from attrs.validators import ge

from traits_core.config.fields import option


@attrs.frozen(kw_only=True)
class NpzConfig:
    """How token chunks are written."""

    sequences_per_chunk: int = option(
        32, help="sequences of a written chunk; the last one may be short", validator=ge(1)
    )
