"""The options of PCA."""

from __future__ import annotations

from typing import Literal

import attrs

from traits_core import option


@attrs.frozen
class PCAConfig:
    """Options of the method `pca`; the README says what each costs."""

    n_components: int | None = option(
        None,
        help="components to keep at most (default: all that have variance)",
        validator=attrs.validators.optional(attrs.validators.ge(1)),
    )
    explained: float | None = option(
        None,
        help="keep the fewest components that explain this fraction of the variance, as in 0.95",
        validator=attrs.validators.optional(
            attrs.validators.and_(attrs.validators.gt(0.0), attrs.validators.lt(1.0))
        ),
    )
    whiten: bool = option(False, help="divide each score by its standard deviation")
    epsilon: float = option(
        1e-6,
        help="added to each variance before whitening, as a fraction of the largest",
        validator=attrs.validators.and_(attrs.validators.ge(0.0), attrs.validators.le(1.0)),
    )
    signs: Literal["signed", "split"] = option(
        "signed",
        help="signed: one prototype per component; split: two, + and -, so that max-pooling sees both",
        validator=attrs.validators.in_(("signed", "split")),
    )
    residual: bool = option(
        False, help="one more prototype: the squared error of the reconstruction"
    )
    exact_up_to: int = option(
        8192,
        help="largest d_model solved exactly; wider activations are solved by randomized passes",
        validator=attrs.validators.ge(0),
    )
    max_epochs: int = option(
        4,
        help="randomized passes at most; the exact solution takes one",
        validator=attrs.validators.ge(1),
    )
    tol: float = option(
        1e-3,
        help="stop when a randomized pass raises the explained variance by less than this fraction",
        validator=attrs.validators.and_(attrs.validators.ge(0.0), attrs.validators.lt(1.0)),
    )
