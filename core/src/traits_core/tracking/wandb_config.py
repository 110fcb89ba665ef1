"""Options of the wandb tracker."""

from __future__ import annotations

from typing import Literal

import attrs

from traits_core.config.fields import option


@attrs.frozen
class WandbConfig:
    """Where in Weights & Biases a run appears, and when it is sent there."""

    mode: Literal["offline", "online"] = option(
        "offline", help="offline: files below the run, for `wandb sync`; online: sent as it happens"
    )
    project: str = option("traits", help="project that the run belongs to")
    entity: str | None = option(None, help="user or team (default: the account's own)")
    group: str | None = option(None, help="name that related runs have in common")
    tags: tuple[str, ...] = option((), help="tags of the run")
