"""What activations go through before a method, and before its scorer: one map, fitted once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from traits_core.config.structure import structure_record, unstructure
from traits_core.errors import DataError, StoreError
from traits_core.normalization.maps import Projection, RowMap, Scaling, UnitNorm
from traits_core.tensors import load_tensors, save_tensors

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MAPS: Final[Mapping[str, type[RowMap]]] = {
    "center": Scaling,
    "standardize": Scaling,
    "unit-norm": UnitNorm,
    "zca": Projection,
    "pca": Projection,
}


@attrs.frozen(kw_only=True)
class NormalizerFacts:
    """What a normaliser is; scorers record it.

    Parameters
    ----------
    kind: `center`, `standardize`, `unit-norm`, `zca` or `pca`
    d_model: length of a row
    epsilon: part of the mean variance that whitening adds to each; None where it has no meaning
    statistics: digest of the statistics that it was fitted to; None where it needs none
    """

    kind: str
    d_model: int
    epsilon: float | None = None
    statistics: str | None = None


@attrs.frozen(eq=False)
class Normalizer:
    """A map of rows, and what it is."""

    facts: NormalizerFacts
    map: RowMap

    def __call__(self, acts_bd: Tensor) -> Tensor:
        """Normalise activations [B, D] of any float dtype; a new float32 tensor [B, D].

        Raises DataError when they have another shape or are no floats.
        """
        shape = tuple(acts_bd.shape)
        if acts_bd.ndim != 2 or shape[1] != self.facts.d_model or not acts_bd.is_floating_point():
            raise DataError(
                f"{self.facts.kind} normalisation of {self.facts.d_model} dimensions got "
                f"{acts_bd.dtype} {shape}: it takes floats [rows, {self.facts.d_model}]"
            )
        return self.map(acts_bd)


def save_normalizer(path: Path, normalizer: Normalizer) -> None:
    """Durably write one safetensors file."""
    tensors = attrs.asdict(normalizer.map, recurse=False)
    save_tensors(path, tensors, unstructure(normalizer.facts))


def load_normalizer(path: Path, device: torch.device | str) -> Normalizer:
    """Read what `save_normalizer` wrote; raises StoreError when it is missing or damaged."""
    tensors, raw = load_tensors(path, device)
    try:
        facts = structure_record(NormalizerFacts, raw)
        return Normalizer(facts, MAPS[facts.kind](**tensors))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: no readable normaliser ({error})") from error
