"""One pass of scorers over a store of activations, into a store of pooled scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from traits_core.errors import DataError
from traits_core.progress import Progress
from traits_core.protocols import Storage
from traits_core.scoring.pooling import pool
from traits_core.scoring.saved import LoadedScorer
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.reader import Store
from traits_core.stores.writer import StoreWriter
from traits_core.streaming.ordered import ordered_batches

if TYPE_CHECKING:
    import torch

TILE: Final = 1 << 24
"""Most scores (rows x prototypes) that are held at once: 64 MiB of float32, or one example's."""


@attrs.frozen(kw_only=True)
class NamedScorer:
    """A scorer and what identifies it."""

    name: str
    digest: str
    scorer: LoadedScorer


def score_header(
    scorers: Mapping[str, NamedScorer],
    source: Store,
    array: str,
    storage: Storage,
    storage_name: str,
    pooling: str,
) -> StoreHeader:
    """Describe the store of pooled scores, one array per scorer, one row per example."""
    activations = source.header
    n_examples = activations.rows // activations.positions
    arrays = tuple(
        ArraySpec(
            name=name,
            columns=named.scorer.n_prototypes,
            feature=source.array(array).feature,
            scorer=named.digest,
        )
        for name, named in scorers.items()
    )
    layout = storage.plan("scores", n_examples, 1, arrays)
    return StoreHeader(
        kind="scores",
        storage=storage_name,
        dtype="float32",
        rows=n_examples,
        positions=1,
        **attrs.asdict(layout),
        arrays=arrays,
        dataset=activations.dataset,
        dataset_digest=activations.dataset_digest,
        split=activations.split,
        source=source.digest,
        pooling=pooling,
    )


def materialize(
    root: Path,
    header: StoreHeader,
    storage: Storage,
    scorers: Mapping[str, NamedScorer],
    source: Store,
    array: str,
    device: torch.device,
    progress: Progress,
) -> None:
    """Write to `root` the pooled scores of every example that is not committed yet.

    Memory: one batch of activations, one tile of scores, one shard of pooled scores.
    """
    positions, shard = source.header.positions, header.rows_per_shard
    widest = max(spec.columns for spec in header.arrays)
    batch = max(1, min(shard, TILE // (positions * widest)))
    with StoreWriter(root, header, storage) as writer:
        done = header.rows - writer.missing_rows
        label = f"{header.dataset}/{header.split} by {', '.join(scorers)}"
        with progress.track(label, header.rows, "examples", done) as advance:
            # Batches never straddle shards, so a resumed pass meets the very same ones.
            starts = (s for rows in writer.gaps() for s in range(rows.start, rows.stop, shard))
            for start in starts:
                stop = min(start + shard, header.rows)
                for _, acts_bd in ordered_batches(
                    source, array, batch * positions, start * positions, stop * positions, device
                ):
                    writer.append(
                        {
                            name: _pooled(named, acts_bd, positions, header.pooling or "max")
                            for name, named in scorers.items()
                        }
                    )
                    advance(len(acts_bd) // positions)
        writer.finish()


def _pooled(
    named: NamedScorer, acts_bd: torch.Tensor, positions: int, pooling: str
) -> torch.Tensor:
    scores_bk = named.scorer(acts_bd)
    if tuple(scores_bk.shape) != (len(acts_bd), named.scorer.n_prototypes):
        raise DataError(
            f"scorer {named.name!r} returned {tuple(scores_bk.shape)} for "
            f"{tuple(acts_bd.shape)} activations and {named.scorer.n_prototypes} prototypes"
        )
    return pool(scores_bk, positions, pooling).cpu()
