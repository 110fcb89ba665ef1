"""The options of random prototypes."""

from __future__ import annotations

from typing import Literal

import attrs

from traits_core import option


@attrs.frozen
class RandomConfig:
    """Options of the method `random`."""

    kind: Literal["gaussian", "activations"] = option(
        "gaussian",
        help="gaussian: uniformly random unit directions; activations: random training rows",
        validator=attrs.validators.in_(("gaussian", "activations")),
    )
    n_prototypes: int = option(
        1024,
        help="number of prototypes; with one seed, fewer are the first of more",
        validator=attrs.validators.ge(1),
    )
