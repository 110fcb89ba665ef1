"""Which hardware multiplies bfloat16 faster than float32."""

from __future__ import annotations

from collections.abc import Mapping

import torch

CPU_FLAGS = ("avx512_bf16", "amx_bf16")


def choosing_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The dtype that `precision` names, or float32 where the device would emulate it."""
    return torch.bfloat16 if precision == "bfloat16" and has_bfloat16(device) else torch.float32


def has_bfloat16(device: torch.device) -> bool:
    """Whether products of bfloat16 have instructions of their own; no, where torch cannot tell."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return device.type == "cpu" and any(capabilities.get(flag) for flag in CPU_FLAGS)
