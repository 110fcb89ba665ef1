"""How many latents there are and how many of them are active, where the options leave it open."""

from __future__ import annotations

from typing import Final, Self

import attrs

from traits_core import ConfigError
from traits_plugin_sae.config import SaeConfig

MOST_LATENTS: Final = 4096
MOST_ACTIVE: Final = 32


@attrs.frozen
class Size:
    """Latents, and active ones of a row.

    Parameters
    ----------
    n_latents, k: from 1
    """

    n_latents: int
    k: int

    @classmethod
    def of(cls, config: SaeConfig, d_model: int) -> Self:
        """What the options ask for; by default D^2 / 2 latents, 4096 at most, and k = D / 4, 32 at most.

        About D^2 / 2 lines in D dimensions can be equally far from each other (Gerzon's bound), so
        narrow activations have no room for more; what is left over dies. Raises ConfigError when
        a `k` that somebody chose is more than there are latents.
        """
        n_latents = config.n_latents or min(max(d_model**2 // 2, 1), MOST_LATENTS)
        if config.k is None:
            return cls(n_latents, min(max(d_model // 4, 1), MOST_ACTIVE, n_latents))
        if config.k > n_latents and config.architecture not in ("relu", "gated"):
            raise ConfigError(
                f"k = {config.k} of {n_latents} latents: set k to {n_latents} or less"
            )
        return cls(n_latents, config.k)
