"""Checkpoints that other programs wrote, where they are, and small dictionaries of every kind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from traits_plugin_sae.activations import Activation, Gated, GroupMax, JumpRelu, Relu, TopK
from traits_plugin_sae.dictionary import Dictionary

PROJECT = Path(__file__).parents[4]
D, S = 6, 12


def normal(*shape: int, seed: int) -> Tensor:
    """Random values that are the same every time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


KINDS: dict[str, Activation] = {
    "relu": Relu(),
    "topk": TopK(3),
    "jumprelu": JumpRelu(normal(S, seed=7).abs()),
    "one threshold": JumpRelu(torch.full((S,), 0.4)),
    "gated": Gated(
        gate_bias_s=normal(S, seed=8),
        magnitude_bias_s=normal(S, seed=9),
        log_magnitude_s=normal(S, seed=10),
    ),
    "groupmax": GroupMax(4),
}


@pytest.fixture
def make() -> Callable[..., Dictionary]:
    """A dictionary with this activation function, and changes of other fields."""

    def dictionary(kind: str = "relu", **changes: object) -> Dictionary:
        values: dict[str, object] = {
            "encoder_ds": normal(D, S, seed=1),
            "encoder_bias_s": normal(S, seed=2),
            "decoder_sd": normal(S, D, seed=3),
            "decoder_bias_d": normal(D, seed=4),
            "activation": KINDS[kind],
        }
        return Dictionary(**{**values, **changes})  # type: ignore[arg-type]  # checked by the class

    return dictionary


@pytest.fixture
def acts_bd() -> Tensor:
    """Activations that suit these dictionaries."""
    return normal(40, D, seed=6)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The directory of checkpoints that other programs wrote."""
    root = Path(os.environ.get("TRAITS_FIXTURES", PROJECT / ".." / "shared" / "fixtures"))
    if not root.is_dir():
        pytest.skip("no files of peers: set TRAITS_FIXTURES to their directory")
    return root
