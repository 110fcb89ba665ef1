"""From the options to an architecture."""

from __future__ import annotations

import torch

from traits_core import Comm, ConfigError
from traits_plugin_sae.architectures.architecture import Architecture
from traits_plugin_sae.architectures.relu import ReluArchitecture
from traits_plugin_sae.architectures.topk import TopKArchitecture
from traits_plugin_sae.config import SaeConfig
from traits_plugin_sae.top_per_row import TopPerRow


def build_architecture(config: SaeConfig, device: torch.device, comm: Comm) -> Architecture:
    """The architecture that the options ask for; raises ConfigError when they contradict each other."""
    n_latents = config.n_latents
    if config.architecture == "relu":
        return ReluArchitecture(0.03 if config.penalty is None else config.penalty)
    if config.k > n_latents:
        raise ConfigError(f"k = {config.k} of {n_latents} latents: set k to {n_latents} or less")
    bounds = torch.tensor(config.prefixes, dtype=torch.int64, device=device)
    if (bounds.numel() and not (bounds.diff() > 0).all()) or (bounds >= n_latents).any():
        raise ConfigError(
            f"prefixes {config.prefixes} must increase and stay below n_latents ({n_latents})"
        )
    top = TopPerRow.of(n_latents, device)
    return TopKArchitecture(config.k, bounds, top)
