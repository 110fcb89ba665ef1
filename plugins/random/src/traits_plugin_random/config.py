"""The options of random prototypes."""

from __future__ import annotations

from typing import Literal

import attrs

from traits_core import option


@attrs.frozen
class RandomConfig:
    """Options of the method `random`."""

    kind: Literal["gaussian", "orthogonal", "activations", "standardized"] = option(
        "gaussian",
        help="gaussian, orthogonal: random unit directions; activations, standardized: training rows",
        validator=attrs.validators.in_(("gaussian", "orthogonal", "activations", "standardized")),
    )
    n_prototypes: int = option(
        1024,
        help="number of prototypes; with one seed, fewer are the first of more",
        validator=attrs.validators.ge(1),
    )

    @property
    def draws_rows(self) -> bool:
        """Whether prototypes are rows of the training activations."""
        return self.kind in ("activations", "standardized")
