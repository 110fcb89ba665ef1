"""Who is measured: ours, and the peers that are installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Final

from sae_cases.dictionary_learning import DictionaryLearning
from sae_cases.saelens import SAELens
from sae_cases.sparsify import Sparsify
from sae_cases.task import Contender

PEERS: Final[Mapping[str, tuple[str, Contender, tuple[str, ...]]]] = {
    "sae-lens": ("sae_lens", SAELens, ("topk", "batchtopk", "relu")),
    "dictionary-learning": (
        "dictionary_learning",
        DictionaryLearning,
        ("topk", "batchtopk", "relu"),
    ),
    "eai-sparsify": ("sparsify", Sparsify, ("topk",)),
}
"""By distribution: the module that it installs, the adapter, and the architectures it has."""


def peers(architecture: str, wanted: str) -> dict[str, Contender | None]:
    """Peers that have an architecture and `wanted` in their name; None for one that is not installed."""
    return {
        f"{name} {_version(name)}": adapter if find_spec(module) else None
        for name, (module, adapter, architectures) in PEERS.items()
        if architecture in architectures and wanted in name
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "(not installed)"
