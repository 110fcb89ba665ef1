"""One pass of scorers over a store of activations, into whatever is to be known of their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import attrs

from traits_core.errors import DataError
from traits_core.progress import Progress
from traits_core.scoring.in_order import in_order
from traits_core.scoring.keeping import Keep
from traits_core.scoring.scored import NamedScorer, Scored
from traits_core.scoring.sinks import Sink
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.protocols import Storage
from traits_core.stores.reader import Store
from traits_core.streaming.ordered import ordered_batches

if TYPE_CHECKING:
    import torch
    from torch import Tensor

TILE: Final = 4 << 20
"""Scores (rows x prototypes) that a scorer makes at once, or those of one example: 16 MiB.

Up to 32 MiB glibc hands the same memory out again; a larger tile is new, and paid for, every time.
"""
HELD: Final = 8 << 20
"""Values of a tile that sinks hold until they are taken, or those of one example: 32 MiB."""
TILE_ROWS: Final = 1024
"""Most rows of a tile, if an example has no more: larger products are no faster."""


def score_header(
    scorers: Mapping[str, NamedScorer],
    source: Store,
    array: str,
    storage: Storage,
    storage_name: str,
    keep: Keep,
    dtype: str = "float32",
) -> StoreHeader:
    """Describe the store of what is kept of the scores of `array`, rounded to `dtype`.

    Raises DataError when scorers have different numbers of prototypes, and few of their scores are kept.
    """
    activations = source.header
    positions = keep.pooling.rows_per_example(activations.positions)
    rows = activations.rows // activations.positions * positions
    arrays = tuple(
        ArraySpec(
            name=array_name,
            columns=columns,
            feature=source.array(array).feature,
            scorer=named.digest,
        )
        for named in scorers.values()
        for array_name, columns in keep.columns(named.name, named.scorer.n_prototypes).items()
    )
    numbers = {named.scorer.n_prototypes for named in scorers.values()}
    kept = keep.kept(max(numbers))
    if kept and len(numbers) > 1:
        raise DataError(
            f"scorers of {sorted(numbers)} prototypes: a store that keeps some of the scores needs "
            "as many of each"
        )
    return StoreHeader(
        kind="scores",
        storage=storage_name,
        dtype=dtype,
        rows=rows,
        positions=positions,
        **attrs.asdict(storage.plan("scores", rows, positions, arrays)),
        arrays=arrays,
        dataset=activations.dataset,
        dataset_digest=activations.dataset_digest,
        split=activations.split,
        source=source.digest,
        pooling=keep.pooling.name,
        kept=kept,
    )


def materialize(
    scorers: Mapping[str, NamedScorer],
    source: Store,
    array: str,
    sinks: Sequence[Sink[Any]],
    device: torch.device,
    progress: Progress,
) -> None:
    """Give every sink the scores of the examples that it lacks.

    Tiles of examples lie on one fixed grid, so a resumed pass computes them as an uninterrupted one.

    Memory, with up to eight threads: two tiles of activations for each and one more, all of which sinks
    may hold places for, and for each thread a tile of scores, or no more than a block of them. Writing that
    is slower than scoring makes it no more: `in_order` begins no tile before the next one is taken.
    """
    positions = source.header.positions
    n_examples = source.header.rows // positions
    block = sinks[0].block if len(sinks) == 1 else None
    widest = max(named.at_once(block) for named in scorers.values())
    held = sum(sink.held(by.scorer.n_prototypes) for sink in sinks for by in scorers.values())
    size = max(1, min(TILE // widest, HELD // max(held, 1), TILE_ROWS) // positions)
    runs = _tile_runs([gap for sink in sinks for gap in sink.missing], size, n_examples)
    done = n_examples - sum(len(run) for run in runs)

    def kept(batch: tuple[int, Tensor]) -> _Tile:
        first_example, examples = batch[0] // positions, len(batch[1]) // positions
        places = [sink.place(first_example, examples) for sink in sinks]
        for named in scorers.values():
            scored = Scored(
                by=named,
                acts_bd=batch[1],
                first_example=first_example,
                positions=positions,
                block=block,
            )
            for sink, place in zip(sinks, places, strict=True):
                sink.keep(scored, place)
        return _Tile(examples, places)

    label = f"{source.header.dataset}/{source.header.split} by {', '.join(scorers)}"
    with progress.track(label, n_examples, "examples", done) as advance:
        for run in runs:
            batches = ordered_batches(
                source, array, size * positions, run.start * positions, run.stop * positions, device
            )
            with closing(in_order(kept, batches, device)) as tiles:
                for tile in tiles:
                    for sink, place in zip(sinks, tile.places, strict=True):
                        sink.take(place)
                    advance(tile.examples)
    for sink in sinks:
        sink.finish()


@attrs.frozen
class _Tile:
    """How many examples it has, and where each sink keeps what it wants of their scores."""

    examples: int
    places: list[Any]


def _tile_runs(gaps: Sequence[range], size: int, n_examples: int) -> list[range]:
    """The runs of examples that `gaps` touch, widened to tiles of `size`, in order, none twice."""
    runs: list[range] = []
    for gap in sorted(gaps, key=lambda gap: gap.start):
        start = gap.start // size * size
        stop = min(-(-gap.stop // size) * size, n_examples)
        if runs and start <= runs[-1].stop:
            runs[-1] = range(runs[-1].start, max(stop, runs[-1].stop))
        else:
            runs.append(range(start, stop))
    return runs
