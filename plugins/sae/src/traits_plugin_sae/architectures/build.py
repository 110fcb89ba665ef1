"""From the options to an architecture."""

from __future__ import annotations

from typing import Final

import torch

from traits_core import Comm, ConfigError
from traits_plugin_sae.architectures.architecture import Architecture
from traits_plugin_sae.architectures.batchtopk import BatchTopKArchitecture
from traits_plugin_sae.architectures.gated import GatedArchitecture
from traits_plugin_sae.architectures.jumprelu import JumpReluArchitecture
from traits_plugin_sae.architectures.relu import ReluArchitecture
from traits_plugin_sae.architectures.topk import TopKArchitecture
from traits_plugin_sae.config import SaeConfig
from traits_plugin_sae.precision import choosing_dtype
from traits_plugin_sae.size import Size
from traits_plugin_sae.thresholds import Sketch
from traits_plugin_sae.top_per_row import TopPerRow

L1_PENALTY: Final = 0.03
L0_PENALTY: Final = 1.0


def build_architecture(
    config: SaeConfig, size: Size, device: torch.device, comm: Comm
) -> Architecture:
    """The architecture that the options ask for; raises ConfigError when they contradict each other."""
    n_latents, k = size.n_latents, size.k
    if config.decoder_norms == "free" and config.architecture != "relu":
        raise ConfigError(
            f"decoder_norms 'free' with architecture {config.architecture!r}: only the penalty of "
            "'relu' heeds the lengths of decoder rows; choose that, or 'unit'"
        )
    if config.architecture == "relu":
        return ReluArchitecture(_or(config.penalty, L1_PENALTY))
    if config.architecture == "gated":
        return GatedArchitecture(_or(config.penalty, L1_PENALTY))
    top = TopPerRow.of(n_latents, device, choosing_dtype(config.precision, device))
    if config.architecture == "jumprelu":
        penalty, sketch = _or(config.penalty, L0_PENALTY), Sketch.empty(device)
        return JumpReluArchitecture(k, penalty, config.bandwidth, top, sketch, comm)
    bounds = torch.tensor(config.prefixes, dtype=torch.int64, device=device)
    if (bounds.diff() <= 0).any() or (bounds >= n_latents).any():
        raise ConfigError(
            f"prefixes {config.prefixes} must increase and stay below n_latents ({n_latents})"
        )
    if config.architecture == "topk":
        return TopKArchitecture(k, bounds, top)
    return BatchTopKArchitecture(k, bounds, top, Sketch.empty(device), comm)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
