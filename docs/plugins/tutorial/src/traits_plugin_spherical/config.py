"""The options of spherical k-means."""

import attrs
from attrs.validators import ge

from traits_core import option


@attrs.frozen
class SphericalConfig:
    """Options of the method `spherical-kmeans`."""

    n_prototypes: int = option(256, help="number of prototypes", validator=ge(1))
    max_epochs: int = option(10, help="passes over the training rows at most", validator=ge(1))
    tol: float = option(
        1e-4, help="stop when a pass raises the mean cosine by less than this", validator=ge(0.0)
    )
