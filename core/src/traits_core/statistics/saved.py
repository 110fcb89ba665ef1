"""Statistics on disk: made once per store, below the home directory, never inside the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np
import torch

from traits_core.config.structure import structure_record, unstructure
from traits_core.errors import StoreError
from traits_core.progress import Progress
from traits_core.statistics.collect import collect, subject_of
from traits_core.statistics.duplicates import RowHashes
from traits_core.statistics.moments import Moments
from traits_core.statistics.norms import Norms
from traits_core.statistics.positions import PositionNorms
from traits_core.statistics.statistics import Parts, Statistics, Subject
from traits_core.stores.reader import Store
from traits_core.tensors import load_tensors, save_tensors

if TYPE_CHECKING:
    from torch import Tensor

FORMAT_VERSION: Final = 1


@attrs.frozen(kw_only=True)
class _Facts:
    """What the file says beside its tensors."""

    version: int = FORMAT_VERSION
    subject: Subject
    parts: Parts
    n: int
    duplicates_level: int


def statistics_path(home: Path, store: Store, array: str) -> Path:
    """Where the statistics of one array are kept; the name depends on contents alone."""
    return home / "statistics" / store.digest[:16] / f"{array}.safetensors"


def statistics_of(
    store: Store,
    array: str,
    home: Path,
    covariance: bool,
    device: torch.device,
    progress: Progress,
) -> Statistics:
    """The statistics of all rows: those that are kept in `home`, else made and kept there.

    Raises StoreError when the kept file is damaged.
    """
    path = statistics_path(home, store, array)
    if path.exists():
        kept = load_statistics(path)
        if kept.subject != subject_of(store, array) or not kept.complete:
            raise StoreError(f"{path}: not the statistics of {store.root}; delete it to go on")
        if kept.moments.comoments_dd is not None or not covariance:
            return kept
    made = collect(store, array, covariance=covariance, device=device, progress=progress)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_statistics(path, made)
    return made


def save_statistics(path: Path, statistics: Statistics) -> None:
    """Durably write one safetensors file; a part of a store can be written too, and merged later."""
    moments, hashes = statistics.moments, statistics.duplicates
    tensors = {
        "mean": moments.mean_d,
        "squares": moments.squares_d,
        "min": moments.min_d,
        "max": moments.max_d,
        "norm_counts": statistics.norms.counts_b,
        "norm_values": statistics.norms.values_n,
        "position_sums": statistics.positions.sums_p,
        "position_counts": statistics.positions.counts_p,
        "row_hashes": torch.from_numpy(hashes.hashes_h.view(np.int64)),
        "row_counts": torch.from_numpy(hashes.counts_h),
    }
    if moments.comoments_dd is not None:
        tensors["comoments"] = moments.comoments_dd
    facts = _Facts(
        subject=statistics.subject,
        parts=statistics.parts,
        n=moments.n,
        duplicates_level=hashes.level,
    )
    save_tensors(path, tensors, unstructure(facts))


def load_statistics(path: Path) -> Statistics:
    """Read what `save_statistics` wrote; raises StoreError when it is damaged."""
    tensors, raw = load_tensors(path)
    try:
        return _statistics(tensors, structure_record(_Facts, raw))
    except (ValueError, KeyError) as error:
        raise StoreError(
            f"{path}: no readable statistics ({error}); delete it, and it is made again"
        ) from error


def _statistics(tensors: dict[str, Tensor], facts: _Facts) -> Statistics:
    if facts.version != FORMAT_VERSION:
        raise ValueError(f"format {facts.version}, this version reads {FORMAT_VERSION}")
    return Statistics(
        subject=facts.subject,
        parts=facts.parts,
        moments=Moments(
            n=facts.n,
            mean_d=tensors["mean"],
            squares_d=tensors["squares"],
            min_d=tensors["min"],
            max_d=tensors["max"],
            comoments_dd=tensors.get("comoments"),
        ),
        norms=Norms(counts_b=tensors["norm_counts"], values_n=tensors["norm_values"]),
        positions=PositionNorms(
            sums_p=tensors["position_sums"], counts_p=tensors["position_counts"]
        ),
        duplicates=RowHashes(
            hashes_h=tensors["row_hashes"].numpy().view(np.uint64),
            counts_h=tensors["row_counts"].numpy(),
            level=facts.duplicates_level,
        ),
    )
